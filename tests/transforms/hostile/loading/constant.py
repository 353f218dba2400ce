# attack: a constant that the compiler folds or the module makes
# expect: script.memory
X = "a" * 10**10
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
