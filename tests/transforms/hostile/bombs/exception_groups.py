# attack: an exception nested 100,000 deep
# expect: script.exception | script.recursion | script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    error = ValueError(1)
    for _ in range(100_000):
        error = ExceptionGroup("g", [error])
    raise error
