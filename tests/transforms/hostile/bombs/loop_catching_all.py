# attack: a loop that catches whatever comes
# expect: script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
