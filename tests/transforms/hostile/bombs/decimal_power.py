# attack: a decimal power that takes forever
# expect: script.wall | script.memory
import decimal
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    decimal.getcontext().prec = 10**6
    return {"v": str(decimal.Decimal("1.0000001") ** decimal.Decimal("1e9")).encode()}
