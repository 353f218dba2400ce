# attack: a thread would outlive the batch
# expect: script.exception
# says: RuntimeError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    go("_thread").start_new_thread(print, ())
    return {"v": b""}
