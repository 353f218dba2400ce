# attack: receive descriptors through the extension
# expect: violation.syscall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    native = go("sys").modules["alloy_native._native"]
    return {"v": native.jail_receive_message(3, 4096, 16)[0]}
