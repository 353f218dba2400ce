"""A product that needs a check in one of two calls had a hull beyond 64 bits and a check at once."""

INPUT = {"n": "int"}
OUTPUT = {"v": {"type": "i64"}}
EXAMPLES = (
    {"in": {"n": 3}, "out": ({"v": 9437184},)},
    {"in": {"n": 4294967295}, "error": "data.range"},
)


def scaled(a: int) -> int:
    return a * (a << 20)


def transform(n: int) -> dict:
    return {"v": scaled(n & 255) + (scaled(scaled(n & 4294967295)) >> 100)}
