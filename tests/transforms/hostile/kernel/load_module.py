# attack: load a kernel module
# expect: violation.syscall
# arch: x86_64
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.syscall(175, b'x', 1, b'')
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
