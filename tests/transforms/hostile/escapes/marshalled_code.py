# attack: marshal makes code objects of bytes
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    marshal, io = go("marshal"), go("_io")
    code = marshal.loads(marshal.dumps(compile("found = read(path)", "x", "exec")))
    names = {"path": path, "read": lambda p: io.FileIO(p).read()}
    exec(code, names)
    return {"v": names["found"]}
