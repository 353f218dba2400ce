# attack: print a megabyte per line
# expect: answer
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    for _ in range(8):
        print("x" * (1 << 20))
    return {"v": b""}
