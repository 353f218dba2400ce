# attack: recursion of C code alone with the limit raised
# expect: script.crash | script.memory | script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("sys").setrecursionlimit(2**31 - 1)
    x = []
    for _ in range(300_000):
        x = [x]
    return {"v": repr(x).encode()}
