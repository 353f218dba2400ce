# attack: 64 rows of 64 KiB each from one input
# expect: answer | script.output | build.type | build.limit | data.range
MAX_ROWS = 64
OUTPUT = {"v": {"type": "bytes", "max": 65535}}


def transform(payload):
    for _ in range(64):
        yield {"v": bytes(65_535)}
