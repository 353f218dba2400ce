# attack: a deque of 1e9
# expect: script.memory | script.wall | script.exception
import collections
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": bytes(collections.deque(range(10**9)))}
