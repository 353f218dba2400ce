# attack: the loader of extensions maps any shared object
# expect: script.exception
# says: ImportError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    machinery = go("importlib.machinery", None, None, ("x",))
    spec = machinery.ModuleSpec("x", None, origin=path.decode())
    return {"v": machinery.ExtensionFileLoader("x", path.decode()).create_module(spec)}
