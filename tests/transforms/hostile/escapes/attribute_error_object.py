# attack: AttributeError carries the object that was asked
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    try:
        print.__func__.nothing
    except AttributeError as error:
        return {"v": error.obj.__globals__["__builtins__"]["open"](path, "rb").read()}
