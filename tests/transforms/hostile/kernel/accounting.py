# attack: process accounting
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.acct(b'/tmp/x')
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
