# attack: read the kernel's log
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.klogctl(3, ctypes.create_string_buffer(64), 64)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
