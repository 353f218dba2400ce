# attack: the decimal digits of a huge integer
# expect: data.value
# says: integer string conversion
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": str(10 ** 5000 + len(payload)).encode()}
