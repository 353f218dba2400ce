# attack: sleep through the wall clock
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("time").sleep(100)
    return {"v": b""}
