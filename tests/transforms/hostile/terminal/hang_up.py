# attack: hang up the terminal
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.vhangup()
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
