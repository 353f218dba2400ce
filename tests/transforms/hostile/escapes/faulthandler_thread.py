# attack: start the watchdog thread of faulthandler
# expect: script.exception
# says: RuntimeError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("faulthandler").dump_traceback_later(1, file=1)
    return {"v": b""}
