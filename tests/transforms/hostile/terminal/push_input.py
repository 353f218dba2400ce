# attack: push characters into the terminal (TIOCSTI)
# expect: script.exception
# says: refused
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.ioctl(0, 0x5412, b'x')
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
