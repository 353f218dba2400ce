# attack: raise the runner's own exception with a code only the supervisor gives
# expect: violation.protocol
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    raise go("sys").modules["alloy_transforms.sandbox.builders"].BadValueError("violation.syscall", "forged")
