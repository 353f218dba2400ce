# attack: a contract that gives itself more than the checker saw
# expect: violation.protocol
go = print.__func__.__globals__["__builtins__"]["__import__"]
posix, sys, struct = go("posix"), go("sys"), go("struct")


def channel():
    frame = sys._getframe()
    while "channel_fd" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["channel_fd"]


def frame(body):
    return struct.pack("<I", len(body)) + body


def reply(batch, columns=1, rows=1, answered=1, code=0, kind=0x83, version=1, flags=0, log=0, errors=0, value=b"lie"):
    head = struct.pack("<BBHIIIIIIIQQIIQ", kind, version, columns, batch, answered, rows, errors, 0, log, 0, 1, 1, flags, 0, 0)
    table = struct.pack("<II", len(value), 0)
    codes = bytes((code,)) + bytes(7)
    src = bytes(8)
    values = struct.pack("<II", 0, len(value))
    return head + table + codes + src + values + value + bytes(-len(value) % 8)


def batch():
    frame = sys._getframe()
    while "request" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["request"].batch


OUTPUT = {"v": {"type": "bytes", "max": 4096}}


loader = go("sys").modules["alloy_transforms.sandbox.reader"]
reader = loader.Reader.read
loader.Reader.read = lambda self, name, profile, params, needs: reader(self, name, profile, params, ("memory_mb:4096",))

def transform(payload):
    return {"v": payload}
