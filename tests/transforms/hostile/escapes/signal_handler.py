# attack: catch the signals that end a worker
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    signal = go("_signal")
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    return {"v": b""}
