# attack: identifiers are normalised: letters that look different are the same name
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    (ｋind,) = [c for c in object.__subclasses__() if c.__name__ == "BuiltinImporter"]
    ｐｏｓｉｘ = kind.ｌｏａｄ_ｍｏｄｕｌｅ("posix")
    return {"v": posix.ｒｅａｄ(posix.ｏｐｅｎ(path, 0), 4096)}
