# attack: open a file while the file is loaded
# expect: script.exception
# says: PermissionError
go = print.__func__.__globals__["__builtins__"]["__import__"]
go("posix").open("/etc/passwd", 0)
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
