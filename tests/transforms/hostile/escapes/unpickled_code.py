# attack: pickle runs what it reads
# expect: script.exception
# says: ModuleNotFoundError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    return {"v": go("pickle").loads(b"cposix\nsystem\n(S'true'\ntR.")}
