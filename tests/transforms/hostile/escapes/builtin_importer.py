# attack: load a built-in module past the limited import
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    (importer,) = [c for c in object.__subclasses__() if c.__name__ == "BuiltinImporter"]
    posix = importer.load_module("posix")
    return {"v": posix.read(posix.open(path, 0), 4096)}
