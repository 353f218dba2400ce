# attack: fork without end
# expect: script.exception
# says: PermissionError
go = print.__func__.__globals__["__builtins__"]["__import__"]
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    while True:
        go("posix").fork()
