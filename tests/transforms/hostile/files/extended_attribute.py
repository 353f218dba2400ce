# attack: set an extended attribute
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    path, new = payload.split(b"\n")[:2]
    result = libc.setxattr(path, b'user.x', b'1', 1, 0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
