# attack: abort raises a signal
# expect: script.crash
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("posix").abort()
