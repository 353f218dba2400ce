# attack: raise the runner's own exception without its arguments
# expect: data.value
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    error = go("sys").modules["alloy_transforms.sandbox.builders"].BadValueError("data.value", "forged")
    error.args = ()
    raise error
