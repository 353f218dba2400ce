# attack: a generator that will not close
# expect: script.exception | script.output | answer | script.wall | script.recursion
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    while True:
        try:
            yield {"v": b"x"}
        except GeneratorExit:
            continue
