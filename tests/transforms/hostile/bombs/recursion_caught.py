# attack: catch the recursion error at every level
# expect: script.wall | script.recursion
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    def f():
        try:
            f()
        finally:
            f()
    f()
