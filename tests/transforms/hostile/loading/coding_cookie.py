# attack: a source that names a codec which runs code or reads files
# expect: build.syntax | answer
# -*- coding: idna -*-
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
