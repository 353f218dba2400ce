# attack: free a tuple nested a million deep
# expect: answer | script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    x = ()
    for _ in range(200_000):
        x = (x,)
    del x
    return {"v": b""}
