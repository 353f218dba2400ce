# attack: create a file by the old call
# expect: violation.syscall | script.exception
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    path, new = payload.split(b"\n")[:2]
    result = libc.creat(new, 0o600)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
