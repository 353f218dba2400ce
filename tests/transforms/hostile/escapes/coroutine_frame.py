# attack: climb from the frame of a running coroutine
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    async def climb():
        return own.cr_frame.f_back.f_back.f_builtins["open"]
    own = climb()
    try:
        own.send(None)
    except StopIteration as stop:
        return {"v": stop.value(path, "rb").read()}
