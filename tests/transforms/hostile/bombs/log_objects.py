# attack: print an object whose text is a bomb
# expect: script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    class Big:
        def __str__(self):
            return "x" * 10**9
    print(Big())
    return {"v": b""}
