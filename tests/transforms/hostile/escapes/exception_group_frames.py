# attack: except* hands out a group whose members carry frames
# expect: script.exception
# says: PermissionError
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    def fail():
        raise ExceptionGroup("g", [ValueError(1)])
    try:
        fail()
    except* ValueError as group:
        frame = group.__traceback__.tb_frame
        while frame.f_back is not None:
            frame = frame.f_back
        opened = frame.f_builtins["open"]
    return {"v": opened(path, "rb").read()}
