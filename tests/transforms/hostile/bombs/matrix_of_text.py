# attack: splitlines of a huge text
# expect: script.memory | script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % len(("\n" * 10_000_000).splitlines())}
