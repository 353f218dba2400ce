# attack: cycles with the collector switched off
# expect: script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("gc").disable()
    while True:
        x = [bytearray(1 << 12)]
        x.append(x)
