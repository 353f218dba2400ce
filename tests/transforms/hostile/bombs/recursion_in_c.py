# attack: recursion through C code with the limit raised
# expect: script.exception | script.crash | script.memory | script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("sys").setrecursionlimit(2**31 - 1)
    class Deep:
        def __getattr__(self, name):
            return getattr(self, name + "x")
    return {"v": Deep().x}
