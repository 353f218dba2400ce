# attack: wait in poll
# expect: violation.syscall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("select").poll().poll(10_000)
