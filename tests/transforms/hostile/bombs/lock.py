# attack: wait for a lock that nobody opens
# expect: script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]
    lock = go("_thread").allocate_lock()
    lock.acquire()
    lock.acquire()
