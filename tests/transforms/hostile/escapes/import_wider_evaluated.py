# attack: the same, out of sight of the checker
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    class Everything:
        def __contains__(self, name):
            return True
    __import__.__closure__[0].cell_contents = Everything()
    os = eval("__import__('os')")
    return {"v": os.read(os.open(path, os.O_RDONLY), 4096)}
