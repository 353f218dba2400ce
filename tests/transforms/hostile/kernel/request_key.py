# attack: request a key, which starts a program as root
# expect: violation.syscall
# arch: x86_64
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.syscall(249, b'user', b'x', None, -2)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
