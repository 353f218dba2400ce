# attack: make a list of an endless iterator
# expect: script.memory | script.wall
import itertools
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": bytes(list(itertools.cycle(b"ab")))}
