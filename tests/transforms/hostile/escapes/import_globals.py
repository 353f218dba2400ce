# attack: the limited import is a closure of trusted code: take its module's builtins
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    posix = __import__.__globals__["builtins"].__import__("posix")
    return {"v": posix.read(posix.open(path, posix.O_RDONLY), 4096)}
