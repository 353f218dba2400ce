# attack: a number of the x32 convention
# expect: violation.syscall
# arch: x86_64
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.syscall(0x40000000 + 39)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
