# attack: a relative import reaches the packages around
# expect: build.lang
# says: relative imports
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    from .. import errors
    return {'v': b''}
