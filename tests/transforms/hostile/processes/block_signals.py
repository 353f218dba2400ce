# attack: block every signal, then loop
# expect: script.wall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    libc.pthread_sigmask(0, b'\xff' * 128, None)
    while True:
        pass
