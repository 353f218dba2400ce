# attack: replace isinstance for the trusted code around
# expect: script.crash | violation.protocol
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    print.__func__.__globals__["__builtins__"]["len"] = lambda thing: 7
    return {"v": b"x"}
