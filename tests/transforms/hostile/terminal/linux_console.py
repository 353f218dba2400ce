# attack: the console's own calls (TIOCLINUX)
# expect: script.exception
# says: refused
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.ioctl(0, 0x541C, b'\x03')
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
