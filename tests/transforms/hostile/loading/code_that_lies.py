# attack: the code object lies about its arguments
# expect: build.type | script.crash | violation.protocol
OUTPUT = {"v": {"type": "bytes", "max": 4096}}
def transform(payload):
    return {"v": payload}
transform.__code__ = transform.__code__.replace(co_argcount=0, co_flags=3)
