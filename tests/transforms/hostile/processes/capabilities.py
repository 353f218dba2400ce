# attack: give itself capabilities
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    victim = int(payload.split(b"\n")[6])
    result = libc.capset(b'\x22\x05\x08\x20\0\0\0\0', b'\xff' * 24)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
