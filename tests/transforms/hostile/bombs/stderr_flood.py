# attack: write to stderr without end
# expect: script.exception
# says: Bad file descriptor
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    posix = go("posix")
    while True:
        posix.write(2, b"x" * 65536)
