# attack: bytecode that stores far outside its frame
# expect: script.crash
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    def f():
        a = 1
        return a
    f.__code__ = f.__code__.replace(co_code=bytes((151, 0, 100, 1, *(144, 255) * 3, 125, 255, 124, 0, 83, 0)))
    return {"v": f()}
