# attack: make readable memory executable
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.personality(0x400000)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
