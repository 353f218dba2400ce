# attack: a fraction with an exponent of 1e9
# expect: script.wall | script.memory
import fractions
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": str(fractions.Fraction("1e999999999")).encode()}
