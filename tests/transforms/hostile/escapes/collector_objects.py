# attack: find the runner among all objects and spoil its answers
# expect: violation.protocol
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    for thing in go("gc").get_objects():
        if type(thing).__name__ == "Runner":
            thing._one_head = b"\xff" * len(thing._one_head)
            thing._loop = None
            thing._builders = tuple(lambda values: (b"\xff" * 3, b"\xff" * 5, b"\xff" * 7) for _ in thing._builders)
    return {"v": b"x"}
