# attack: replace the function that sends answers: the worker falls silent and is replaced
# expect: answer > answer
# batches: 2
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    go("sys").modules["alloy_transforms.sandbox.worker"].write_frame = lambda *parts: None
    return {"v": b"x"}
