# attack: import in a text that the checker does not see
# expect: script.exception
# says: not available to a transform
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {'v': eval("__import__('subprocess')")}
