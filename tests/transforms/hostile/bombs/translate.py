# attack: a table that makes each character long
# expect: script.memory | script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": ("a" * 10**6).translate({97: "b" * 10**5}).encode()}
