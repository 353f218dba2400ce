# attack: change the host's name
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.sethostname(b'owned', 5)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
