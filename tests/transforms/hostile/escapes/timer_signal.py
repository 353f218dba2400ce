# attack: arm a timer that interrupts later batches
# expect: violation.syscall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("_signal").setitimer(0, 1)
    return {"v": b""}
