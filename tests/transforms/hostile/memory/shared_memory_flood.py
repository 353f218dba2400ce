# attack: shared anonymous memory, which some limits do not count
# expect: script.memory
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
libc.mremap.restype = ctypes.c_void_p
libc.mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    for _ in range(1000):
        page = libc.mmap(None, 1 << 20, 3, 0x21, -1, 0)
        if page in (None, 2**64 - 1):
            raise MemoryError
        ctypes.memset(page, 1, 1 << 20)
    return {"v": 0}
