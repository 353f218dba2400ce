"""Reads what a test asks of an ELF64 little-endian shared object: segments, dynamic entries, symbols, relocations."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

PT_LOAD, PT_DYNAMIC, PT_TLS, PT_GNU_STACK, PT_GNU_RELRO = 1, 2, 7, 0x6474E551, 0x6474E552
DT_NEEDED, DT_INIT, DT_FINI, DT_INIT_ARRAY, DT_FINI_ARRAY, DT_TEXTREL = 1, 12, 13, 25, 26, 22
_DT_STRTAB, _DT_SYMTAB, _DT_RELA, _DT_RELASZ, _DT_JMPREL, _DT_PLTRELSZ = 5, 6, 7, 8, 23, 2
RELATIVE = {62: 8, 183: 1027}  # R_X86_64_RELATIVE, R_AARCH64_RELATIVE


@dataclass
class Elf:
    """One file. `segments`: (type, flags); `defined`: name -> size; `relocations`: types."""

    machine: int = 0
    segments: list[tuple[int, int]] = field(default_factory=list)
    dynamic: dict[int, int] = field(default_factory=dict)
    defined: dict[str, int] = field(default_factory=dict)
    undefined: list[str] = field(default_factory=list)
    relocations: list[int] = field(default_factory=list)


def read(path: Path) -> Elf:
    """Read a file that is known to be well formed."""
    data = path.read_bytes()
    assert data[:6] == b"\x7fELF\x02\x01"
    kind, machine = struct.unpack_from("<HH", data, 16)
    assert kind == 3  # ET_DYN
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    out = Elf(machine)
    headers = [struct.unpack_from("<IIQQQQQQ", data, start + size * k) for k in range(count)]
    out.segments = [(h[0], h[1]) for h in headers]
    loads = [(h[3], h[2], h[5]) for h in headers if h[0] == PT_LOAD]

    def offset(address: int) -> int:
        return next(address - at + where for at, where, length in loads if at <= address < at + length)

    table = next(h for h in headers if h[0] == PT_DYNAMIC)
    for k in range(table[5] // 16):
        tag, value = struct.unpack_from("<QQ", data, table[2] + 16 * k)
        if tag == 0:
            break
        out.dynamic[tag] = value
    strings, symbols = offset(out.dynamic[_DT_STRTAB]), offset(out.dynamic[_DT_SYMTAB])
    for k in range(_symbols(data)):
        name, info, _, section, _, length = struct.unpack_from("<IBBHQQ", data, symbols + 24 * k)
        if info >> 4 == 0:  # local: the sections
            continue
        text = data[strings + name : data.index(b"\0", strings + name)].decode()
        if section:
            out.defined[text] = length
        else:
            out.undefined.append(text)
    for at, length in ((_DT_RELA, _DT_RELASZ), (_DT_JMPREL, _DT_PLTRELSZ)):
        if at in out.dynamic:
            first = offset(out.dynamic[at])
            out.relocations += [
                struct.unpack_from("<Q", data, first + 24 * k + 8)[0] & 0xFFFFFFFF
                for k in range(out.dynamic[length] // 24)
            ]
    return out


def _symbols(data: bytes) -> int:
    """How many dynamic symbols there are; only the section table says."""
    (start,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQ", data, start + size * k) for k in range(count)]
    return next(int(s[5]) // 24 for s in sections if s[1] == 11)  # SHT_DYNSYM
