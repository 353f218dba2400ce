# attack: an integer beyond f64 for a field
# expect: data.overflow
OUTPUT = {"v": {"type": "f64"}}


def transform(payload):
    return {"v": 1 << 1_000_000}
