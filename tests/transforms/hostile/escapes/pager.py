# attack: help and license read files
# expect: script.exception
# says: NameError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    help()
    license()
    return {'v': b''}
