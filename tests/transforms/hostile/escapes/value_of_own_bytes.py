# attack: a bytes of its own kind that lies about its length
# expect: data.schema
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    class Lie(bytes):
        def __len__(self):
            return 1 << 40
    return {"v": Lie(b"x")}
