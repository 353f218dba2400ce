# attack: read a link
# expect: script.exception
# says: PermissionError
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    path, new = payload.split(b"\n")[:2]
    result = libc.readlink(b'/proc/self/exe', ctypes.create_string_buffer(256), 256)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
