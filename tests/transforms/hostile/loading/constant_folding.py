# attack: an expression that the compiler would fold to a gigabyte
# expect: script.memory
X = (1,) * 2**12 * 2**12 * 2**10
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
