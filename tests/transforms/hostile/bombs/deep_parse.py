# attack: 5,000 parentheses for the parser
# expect: script.exception | script.memory
# says: nested parentheses
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": eval("(" * 5000 + ")" * 5000)}
