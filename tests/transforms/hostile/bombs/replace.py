# attack: replace every character by a long text
# expect: script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": ("a" * 10**6).replace("a", "b" * 10**5).encode()}
