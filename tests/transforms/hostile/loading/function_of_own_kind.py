# attack: transform is an object whose call is hostile
# expect: build.type
# says: transform
OUTPUT = {"v": {"type": "bytes", "max": 4096}}
class F:
    def __call__(self, payload):
        return {}
transform = F()
