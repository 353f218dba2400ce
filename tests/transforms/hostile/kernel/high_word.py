# attack: a number with a high word
# expect: script.exception | violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.syscall(ctypes.c_long((1 << 32) + 2), b'/etc/passwd', 0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
