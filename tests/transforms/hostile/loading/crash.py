# attack: crash while the file is loaded
# expect: script.crash
go = print.__func__.__globals__["__builtins__"]["__import__"]
go("posix").abort()
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
