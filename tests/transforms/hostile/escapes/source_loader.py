# attack: the loader of source files reads any file
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    machinery = go("importlib.machinery", None, None, ("x",))
    return {"v": machinery.SourceFileLoader("x", path.decode()).get_data(path.decode())}
