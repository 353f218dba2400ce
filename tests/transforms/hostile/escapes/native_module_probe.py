# attack: the probe of the host reads files and forks
# expect: violation.syscall | answer
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    return {"v": str(go("sys").modules["alloy_native._native"].jail_probe()).encode()}
