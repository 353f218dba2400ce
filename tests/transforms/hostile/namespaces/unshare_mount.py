# attack: a new mount namespace
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.unshare(0x20000)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
