# attack: an array of 1e9 doubles
# expect: script.memory
import array
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": (array.array("d", [0.0]) * 10**9).tobytes()}
