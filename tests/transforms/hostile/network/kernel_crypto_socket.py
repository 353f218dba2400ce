# attack: a socket of the kernel's cryptography
# expect: script.exception
# says: PermissionError
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    tcp, udp, unix, abstract = payload.split(b"\n")[2:6]
    result = libc.socket(38, 5, 0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
