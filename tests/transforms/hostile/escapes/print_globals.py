# attack: the replaced print is a method of trusted code: take the globals of that
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    return {"v": print.__func__.__globals__["__builtins__"]["open"](path, "rb").read()}
