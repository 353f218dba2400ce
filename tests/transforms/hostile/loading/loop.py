# attack: loop while the file is loaded
# expect: script.wall
while True:
    pass
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
