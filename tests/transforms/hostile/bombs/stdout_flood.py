# attack: write to stdout
# expect: script.exception
# says: Bad file descriptor
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("posix").write(1, b"x" * 65536)
    return {"v": b""}
