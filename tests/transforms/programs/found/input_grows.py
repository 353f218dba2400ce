"""The emitter had no place for an input that is assigned a number of 128 bits."""

INPUT = {"n": "int"}
OUTPUT = {"v": {"type": "i64"}}
EXAMPLES = (
    {"in": {"n": -9223372036854775808}, "out": ({"v": 4611686018427387904},)},
    {"in": {"n": 3}, "out": ({"v": 0},)},
)


def transform(n: int) -> dict:
    n = n * n
    return {"v": n >> 64}
