# attack: keep all memory in a global: what is left for the answer?
# expect: answer | script.memory | script.crash | script.wall
HOARD = []
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    try:
        while True:
            HOARD.append(bytearray(1 << 12))
    except MemoryError:
        return {"v": b"full"}
