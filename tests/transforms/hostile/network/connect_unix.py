# attack: connect the inherited channel to a UNIX socket
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    tcp, udp, unix, abstract = payload.split(b"\n")[2:6]
    result = libc.connect(3, b'\x01\0' + unix + b'\0', 3 + len(unix))
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
