# attack: a product with 1e9 pools
# expect: script.memory | data.overflow
import itertools
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % len(list(itertools.product(b"ab", repeat=10**9)))}
