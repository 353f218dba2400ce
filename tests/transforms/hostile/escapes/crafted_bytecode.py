# attack: a code object that the interpreter cannot run
# expect: script.crash
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    f = lambda: 1
    f.__code__ = f.__code__.replace(co_code=b"\x64\xff" * 8, co_consts=(), co_stacksize=0)
    return {"v": f()}
