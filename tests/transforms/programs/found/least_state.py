"""The checker refused the least number of 64 bits in STATE and PARAMS, which the sandbox takes."""

INPUT = {"n": "int"}
OUTPUT = {"v": {"type": "i64"}, "w": {"type": "i64"}}
PARAMS = {"p": -9223372036854775808}
STATE = {"k": -9223372036854775808}
EXAMPLES = ({"in": {"n": 1}, "out": ({"v": -9223372036854775807, "w": -9223372036854775808},)},)


def transform(n: int, s: dict) -> dict:
    s["k"] = s["k"] + (n & 3)
    return {"v": s["k"], "w": PARAMS["p"]}
