# attack: fill the memory, catch the error, do it again
# expect: script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    hoard = []
    while True:
        try:
            hoard.append(bytearray(1 << 12))
        except MemoryError:
            continue
