# attack: a cache without bound
# expect: script.memory
import functools, itertools
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    f = functools.lru_cache(None)(lambda n: bytes(10_000))
    for i in itertools.count():
        f(i)
