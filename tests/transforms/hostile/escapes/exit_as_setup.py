# attack: end with the code that means the jail could not be built: the world's fault, to be tried again for ever
# expect: script.crash
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("posix")._exit(65)
