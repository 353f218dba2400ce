# attack: warnings go to stderr
# expect: answer | script.exception
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("warnings").warn_explicit("w" * 10**6, UserWarning, "f", 1)
    return {"v": b""}
