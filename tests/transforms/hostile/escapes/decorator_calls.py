# attack: decorators call without a call in sight
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    (importer,) = [c for c in object.__subclasses__() if c.__name__ == "BuiltinImporter"]
    def named(kind):
        return kind.__name__
    @importer.load_module
    @named
    class posix:
        pass
    return {"v": posix.read(posix.open(path, 0), 4096)}
