# attack: find the request among all objects and look for other people's data
# expect: answer
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    found = b"".join(x for x in go("gc").get_objects() if type(x) is bytes)
    return {"v": found[:4096]}
