# attack: the old call that maps a library
# expect: violation.syscall
# arch: x86_64
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.syscall(134, b'/bin/true')
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
