# attack: a source in another encoding
# expect: build.syntax
# -*- coding: latin-1 -*-
x = 'éÿ'
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
