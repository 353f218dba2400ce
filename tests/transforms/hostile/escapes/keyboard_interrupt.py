# attack: KeyboardInterrupt is no Exception
# expect: script.exception
# says: KeyboardInterrupt
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    raise KeyboardInterrupt
