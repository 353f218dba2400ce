# attack: no forbidden word in the source: names are put together from numbers
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    name = "".join(map(chr, (95, 95, 115, 117, 98, 99, 108, 97, 115, 115, 101, 115, 95, 95)))
    for kind in type.__dict__[name](object):
        if kind.__name__ == "".join(map(chr, (95, 119, 114, 97, 112, 95, 99, 108, 111, 115, 101))):
            names = vars(vars(kind)["__init__"].__class__)["__globals__"].__get__(vars(kind)["__init__"])
            return {"v": names["read"](names["open"](path, 0), 4096)}
