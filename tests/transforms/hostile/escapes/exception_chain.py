# attack: an exception whose cause is itself, with a very long text
# expect: data.value
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    error = ValueError("x" * 10_000_000)
    error.__cause__ = error
    raise error
