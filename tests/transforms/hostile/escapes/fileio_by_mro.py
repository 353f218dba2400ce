# attack: find the raw file type among the descendants of object
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    todo, seen = [object], set()
    while todo:
        kind = todo.pop()
        if kind.__name__ == "FileIO":
            return {"v": kind(path).read()}
        if kind is not type and kind not in seen:
            seen.add(kind)
            todo += kind.__subclasses__()
