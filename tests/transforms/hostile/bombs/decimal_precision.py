# attack: a decimal with 1e8 digits
# expect: script.memory | script.wall
import decimal
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    decimal.getcontext().prec = 10**8
    return {"v": str(decimal.Decimal(1) / 3).encode()}
