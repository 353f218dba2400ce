# attack: an exception whose text is a str of its own kind
# expect: data.value
# says: Evil
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    class Text(str):
        def __contains__(self, other):
            raise SystemExit
        def __format__(self, spec):
            raise SystemExit
    class Evil(ValueError):
        def __str__(self):
            return Text("length")
    raise Evil
