# attack: attach shared memory
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = 0 if libc.shmat(0, None, 0) else -1
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
