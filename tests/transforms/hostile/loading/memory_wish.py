# attack: ask for more memory than the device gives
# expect: build.lang | script.memory | transform.forbidden
NEEDS = ("memory_mb:100000",)
OUTPUT = {"v": {"type": "bytes", "max": 4096}}
def transform(payload):
    return {"v": bytes(len([0] * 10**9))}
