# attack: a class pattern reads attributes without a dot
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    match print:
        case object(__func__=object(__globals__=names)):
            return {"v": names["__builtins__"]["open"](path, "rb").read()}
