# attack: import from a path through zipimport
# expect: script.exception
# says: ZipImportError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    return {"v": go("zipimport").zipimporter(path.decode()).get_data("x")}
