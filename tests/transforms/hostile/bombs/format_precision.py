# attack: a float with 1e9 decimals
# expect: data.value | script.memory | script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": ("%.1000000000f" % 1.5).encode()}
