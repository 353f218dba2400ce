# attack: a signal descriptor
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.signalfd(-1, b'\xff' * 8, 0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
