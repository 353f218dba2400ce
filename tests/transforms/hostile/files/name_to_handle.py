# attack: make a handle
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    path, new = payload.split(b"\n")[:2]
    result = libc.name_to_handle_at(-100, path, ctypes.create_string_buffer(64), ctypes.create_string_buffer(8), 0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
