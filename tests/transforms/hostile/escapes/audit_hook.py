# attack: install an audit hook in the interpreter, then open the canary
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    events = []
    go("sys").addaudithook(lambda name, arguments: events.append(name))
    posix = go("posix")
    return {"v": posix.read(posix.open(path, 0), 4096)}
