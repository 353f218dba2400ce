# attack: ask for more wall clock and use it
# expect: build.lang | script.wall | transform.forbidden
NEEDS = ("wall_ms:400",)
OUTPUT = {"v": {"type": "bytes", "max": 4096}}
def transform(payload):
    while True:
        pass
