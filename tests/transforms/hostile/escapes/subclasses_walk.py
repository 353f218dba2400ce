# attack: walk the subclasses of object to the globals of os and open the canary
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    for kind in ().__class__.__base__.__subclasses__():
        if kind.__name__ == "_wrap_close":
            fd = kind.__init__.__globals__["open"](path, 0)
            return {"v": kind.__init__.__globals__["read"](fd, 4096)}
