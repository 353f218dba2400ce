# attack: do everything through the old asynchronous calls
# expect: violation.syscall
# arch: x86_64
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    path, new = payload.split(b"\n")[:2]
    result = libc.syscall(206, 8, ctypes.create_string_buffer(8))
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
