# attack: decoding with a codec that is not loaded reads the file system
# expect: script.exception
# says: unknown encoding
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload.decode("idna").encode()}
