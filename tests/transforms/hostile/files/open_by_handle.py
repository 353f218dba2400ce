# attack: open by handle
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    path, new = payload.split(b"\n")[:2]
    result = libc.open_by_handle_at(3, ctypes.create_string_buffer(64), 0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
