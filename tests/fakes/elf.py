"""Finds and changes single fields of an ELF shared object, for tests that turn a sound module into a hostile one."""

from __future__ import annotations

import struct
from collections.abc import Iterator

LOAD, DYNAMIC, NOTE, STACK, RELRO = 1, 2, 4, 0x6474E551, 0x6474E552
STRTAB, SYMTAB, RELA, RELASZ, STRSZ, SYMENT, RELAENT = 5, 6, 7, 8, 10, 11, 9
GNU_HASH, RELACOUNT, FLAGS, FLAGS_1, HASH, JMPREL, PLTREL, PLTRELSZ, PLTGOT = (
    0x6FFFFEF5, 0x6FFFFFF9, 30, 0x6FFFFFFB, 4, 23, 20, 2, 3,
)  # fmt: skip
TYPE, PFLAGS, OFFSET, VADDR, FILESZ, MEMSZ, ALIGN = (
    (0, "I"),
    (4, "I"),
    (8, "Q"),
    (16, "Q"),
    (32, "Q"),
    (40, "Q"),
    (48, "Q"),
)
"""Fields of a program header."""


class Elf:
    """One file; every method changes it in place."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)

    def get(self, at: int, form: str = "Q") -> int:
        return int(struct.unpack_from("<" + form, self.data, at)[0])

    def put(self, at: int, value: int, form: str = "Q") -> Elf:
        struct.pack_into("<" + form, self.data, at, value)
        return self

    def headers(self, kind: int) -> list[int]:
        """Offsets of the program headers of a type."""
        first, count = self.get(32), self.get(56, "H")
        return [at for at in range(first, first + 56 * count, 56) if self.get(at, "I") == kind]

    def header(self, kind: int, field: tuple[int, str], value: int, index: int = 0) -> Elf:
        """Set a field of a program header."""
        return self.put(self.headers(kind)[index] + field[0], value, field[1])

    def field(self, kind: int, field: tuple[int, str], index: int = 0) -> int:
        return self.get(self.headers(kind)[index] + field[0], field[1])

    def place(self, vaddr: int) -> int:
        """Offset in the file of an address."""
        for at in self.headers(LOAD):
            begin = self.get(at + 16)
            if begin <= vaddr < begin + self.get(at + 32):
                return self.get(at + 8) + vaddr - begin
        raise ValueError(f"{vaddr:#x} is not of the file")

    def entries(self) -> Iterator[tuple[int, int]]:
        """(offset, tag) of the dynamic section."""
        at = self.place(self.field(DYNAMIC, VADDR))
        while (tag := self.get(at)) != 0:
            yield at, tag
            at += 16
        yield at, 0

    def entry(self, tag: int) -> int:
        """Offset of the entry of a tag."""
        return next(at for at, found in self.entries() if found == tag)

    def value(self, tag: int) -> int:
        return self.get(self.entry(tag) + 8)

    def dynamic(self, tag: int, value: int) -> Elf:
        """Set the value of a tag."""
        return self.put(self.entry(tag) + 8, value)

    def retag(self, tag: int, other: int) -> Elf:
        """Turn one tag into another."""
        return self.put(self.entry(tag), other)

    def table(self, tag: int) -> int:
        """Offset in the file of the table a tag points to."""
        return self.place(self.value(tag))

    def symbol(self, name: str) -> int:
        """Offset of a symbol's entry."""
        strings, at = self.table(STRTAB), self.table(SYMTAB)
        for k in range(1, 64):
            begin = strings + self.get(at + 24 * k, "I")
            if bytes(self.data[begin : self.data.index(0, begin)]).decode() == name:
                return at + 24 * k
        raise ValueError(name)

    def text(self) -> tuple[int, int]:
        """Offset and size of the executable segment."""
        at = next(at for at in self.headers(LOAD) if self.get(at + 4, "I") & 1)
        return self.get(at + 8), self.get(at + 32)

    def mapped(self) -> int:
        """Length of the file up to the last byte that gets mapped."""
        return max(self.get(at + 8) + self.get(at + 32) for at in self.headers(LOAD))

    def done(self) -> bytes:
        return bytes(self.data)
