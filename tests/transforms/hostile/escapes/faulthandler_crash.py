# attack: crash on purpose through faulthandler
# expect: script.crash | violation.syscall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("faulthandler")._sigsegv()
    return {"v": b""}
