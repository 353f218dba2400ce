# attack: climb from the frame of a running generator
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    def climb():
        yield own.gi_frame.f_back.f_back.f_globals["__builtins__"]["open"]
    own = climb()
    return {"v": next(own)(path, "rb").read()}
