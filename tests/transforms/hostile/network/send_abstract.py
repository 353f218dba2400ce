# attack: send to an abstract socket
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    tcp, udp, unix, abstract = payload.split(b"\n")[2:6]
    result = libc.sendto(3, b'x', 1, 0, b'\x01\0\0' + abstract, 3 + len(abstract))
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
