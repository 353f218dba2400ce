# attack: 100,000 minus signs for the parser
# expect: script.memory | script.recursion | script.crash
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % eval("-" * 100_000 + "1")}
