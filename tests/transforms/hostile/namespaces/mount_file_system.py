# attack: the mount interface: fsmount
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.syscall(432, 3, 0, 0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
