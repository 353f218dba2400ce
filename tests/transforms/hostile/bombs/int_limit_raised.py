# attack: raise the limit of integer conversion, then convert
# expect: script.wall | script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("sys").set_int_max_str_digits(0)
    return {"v": str(3 ** 3_000_000).encode()}
