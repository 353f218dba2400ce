# attack: a number no kernel has
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.syscall(0x7fffffff)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
