# attack: change the root
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    path, new = payload.split(b"\n")[:2]
    result = libc.chroot(b'/')
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
