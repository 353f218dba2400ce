"""rustc warned that no number of 64 bits is greater than the greatest, and a warning ended the build."""

INPUT = {"n": "int"}
OUTPUT = {"v": {"type": "u8"}}
EXAMPLES = ({"in": {"n": 9223372036854775807}, "out": ({"v": 255},)},)


def transform(n: int) -> dict:
    a = n
    for i in range(2):
        a = a ^ i
        if n > 9223372036854775807 or a < -9223372036854775808:
            a = 0
    return {"v": (0 if a > 9223372036854775807 else n) & 255}
