# attack: the mount interface: open_tree
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.syscall(428, -100, b'/', 0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
