# attack: swap to a file
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.swapon(b'/etc/passwd', 0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
