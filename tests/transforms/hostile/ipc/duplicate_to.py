# attack: duplicate a descriptor to a number
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.dup2(3, 100)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
