# attack: a sum of 20,000 terms for the compiler
# expect: script.recursion | script.memory | script.crash | answer
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % eval("+".join(["x"] * 20_000), {"x": 1})}
