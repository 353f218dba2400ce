# attack: make a forbidden call while the file is loaded
# expect: violation.syscall
go = print.__func__.__globals__["__builtins__"]["__import__"]
go("posix").pipe()
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
