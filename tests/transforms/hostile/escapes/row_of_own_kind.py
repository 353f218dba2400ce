# attack: a dict whose look-ups run user code in the runner
# expect: answer | script.exception
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    class Row(dict):
        def __getitem__(self, key):
            raise KeyboardInterrupt
        def __iter__(self):
            raise SystemExit
        keys = items = get = __len__ = __getitem__
    return Row(v=b"x")
