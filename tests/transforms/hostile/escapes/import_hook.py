# attack: put a finder of its own first and import through it
# expect: script.exception
# says: ModuleNotFoundError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    sys = go("sys")
    class Finder:
        def find_spec(self, name, path=None, target=None):
            sys.stolen = name
            return None
    sys.meta_path.insert(0, Finder())
    return {"v": go("no_such_module")}
