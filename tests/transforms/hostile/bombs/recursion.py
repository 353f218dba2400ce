# attack: a function that calls itself
# expect: script.recursion
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    def f():
        return f()
    return {"v": f()}
