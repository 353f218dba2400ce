# attack: copy between descriptors
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    path, new = payload.split(b"\n")[:2]
    result = libc.sendfile(3, 3, None, 10)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
