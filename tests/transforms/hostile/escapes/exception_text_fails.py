# attack: an exception whose text cannot be made
# expect: script.exception
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    class Evil(Exception):
        def __str__(self):
            raise SystemExit
    raise Evil
