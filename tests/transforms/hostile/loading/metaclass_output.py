# attack: OUTPUT is an object of its own kind
# expect: build.type
# says: OUTPUT
class Lie(dict):
    def items(self):
        while True:
            yield "v", {"type": "i8"}
OUTPUT = Lie(v={"type": "i8"})
def transform(payload):
    return {"v": 1}
