# attack: open the canary in a finaliser, whose exceptions go to stderr
# expect: answer
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    class Last:
        def __del__(self):
            Last.found = go("posix").open(path, 0)
    last = Last()
    del last
    return {"v": b"" if not hasattr(Last, "found") else b"opened"}
