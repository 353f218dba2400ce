# attack: f-strings in f-strings
# expect: build.syntax | build.limit | answer
X = f'{f"{1:{2}}":{3}}'
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
