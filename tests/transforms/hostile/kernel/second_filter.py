# attack: add a filter of its own
# expect: violation.syscall
# arch: x86_64
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.syscall(317, 1, 0, None)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
