# attack: breakpoint opens a debugger
# expect: script.exception
# says: NameError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    breakpoint()
    return {'v': b''}
