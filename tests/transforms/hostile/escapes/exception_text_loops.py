# attack: an exception whose text takes forever
# expect: script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    class Evil(Exception):
        def __str__(self):
            while True:
                pass
    raise Evil
