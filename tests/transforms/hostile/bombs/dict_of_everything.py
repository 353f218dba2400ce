# attack: a dict of 1e9 keys
# expect: script.memory | script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % len(dict.fromkeys(range(10**9)))}
