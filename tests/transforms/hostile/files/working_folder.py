# attack: ask for the working folder
# expect: script.exception
# says: FileNotFoundError
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    path, new = payload.split(b"\n")[:2]
    result = -1 if not libc.getcwd(ctypes.create_string_buffer(256), 256) else 0
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
