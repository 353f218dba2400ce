# attack: append for ever
# expect: script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    x = []
    while True:
        x.append(bytearray(1 << 16))
