# attack: 9 ** 9 ** 9
# expect: script.wall | script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    n = 9 + len(payload) % 1
    return {"v": b"%d" % (n ** n ** n % 7)}
