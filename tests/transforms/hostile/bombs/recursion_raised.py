# attack: the same with the limit raised
# expect: script.memory | script.crash | script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("sys").setrecursionlimit(2**31 - 1)
    def f():
        return f()
    return {"v": f()}
