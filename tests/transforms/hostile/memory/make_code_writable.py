# attack: make the code of the C library writable, then change it
# expect: script.crash | script.exception | answer | violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
libc.mremap.restype = ctypes.c_void_p
libc.mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    at = ctypes.cast(libc.getpid, ctypes.c_void_p).value & ~4095
    libc.mprotect(ctypes.c_void_p(at), 4096, 3)
    ctypes.memmove(at, b"\xcc" * 4096, 4096)
    return {"v": libc.getpid()}
