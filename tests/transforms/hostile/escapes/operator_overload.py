# attack: operators and subscripts call without a call in sight
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    class Opener:
        __class_getitem__ = print.__func__.__globals__["__builtins__"]["open"]
        __floordiv__ = lambda self, other: Opener[other]
    return {"v": (Opener() // path).read().encode()}
