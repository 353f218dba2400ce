# attack: replace the writer while the file is loaded
# expect: script.wall
go = print.__func__.__globals__["__builtins__"]["__import__"]
go("sys").modules["alloy_transforms.sandbox.worker"].write_frame = lambda *p: None
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
