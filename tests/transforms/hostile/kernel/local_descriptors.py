# attack: change the local descriptor table
# expect: violation.syscall
# arch: x86_64
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.syscall(154, 0, ctypes.create_string_buffer(64), 64)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
