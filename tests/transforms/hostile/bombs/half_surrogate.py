# attack: a text that is no UTF-8
# expect: data.value
OUTPUT = {"v": {"type": "text", "max": 9}}


def transform(payload):
    return {"v": "\ud800"}
