# attack: SystemExit is no Exception
# expect: script.exception
# says: SystemExit
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    raise SystemExit(0)
