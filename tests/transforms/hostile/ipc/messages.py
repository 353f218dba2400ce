# attack: System V messages
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.msgget(0x616c, 0o1600)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
