# attack: System V semaphores
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.semget(0x616c, 1, 0o1600)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
