# attack: read PARAMS while the file is loaded
# expect: build.lang
# says: PARAMS
PARAMS = {"a": 1}
X = PARAMS["a"]
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
