# attack: call the extension's own jail functions with nonsense
# expect: violation.syscall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    native = go("sys").modules["alloy_native._native"]
    native.jail_seal("reference", 1 << 40, 1 << 20, [0], -1, "/", [], True)
    return {"v": b""}
