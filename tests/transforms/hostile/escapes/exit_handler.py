# attack: leave a handler that opens the canary when the process exits
# expect: answer
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    go("atexit").register(lambda: go("posix").open(path, 0))
    return {"v": b"x"}
