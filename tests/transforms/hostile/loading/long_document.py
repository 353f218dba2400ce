# attack: a docstring made of ten megabytes
# expect: answer
__doc__ = 'x' * 10_000_000
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
