# attack: take a terminal
# expect: script.exception
# says: refused
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.ioctl(3, 0x540E, 1)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
