"""What the format readers return: plain dictionaries, typed. Offsets and sizes in bytes [B]."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

AttrValue: TypeAlias = str | bytes | int | float | tuple[int | float, ...]
CardValue: TypeAlias = bool | int | float | complex | str | None


class Nc3Variable(TypedDict):
    """One variable of a classic file; `dims` index into the file's dimensions."""

    name: str
    dims: tuple[int, ...]
    shape: tuple[int, ...]  # the record dimension with the number of rows that are there
    dtype: str  # i1 char i2 i4 f4 f8 u1 u2 u4 i8 u8 ("char": one byte of text)
    big_endian: bool  # always True
    attrs: list[tuple[str, str, AttrValue]]  # (name, dtype, value); char: str, or bytes if not UTF-8
    is_record: bool
    begin: int  # offset of the first value [B]
    size: int  # bytes of the values of one record, or of the whole variable; without padding [B]
    stride: int  # from one record to the next [B]; `size` for others
    vsize: int  # as the header says; redundant and not used


class Nc3(TypedDict):
    """Structure of a NetCDF classic file (CDF-1, CDF-2, CDF-5)."""

    version: int  # 1, 2, 5
    dims: list[tuple[str, int | None]]  # None: the record dimension
    attrs: list[tuple[str, str, AttrValue]]
    variables: list[Nc3Variable]
    numrecs: int | None  # as the header says; None: streaming (all bits set)
    rows: int  # records that are there in full
    record_size: int  # bytes from one record to the next [B]
    header_size: int
    file_size: int
    expected_size: int  # that the header implies [B]
    truncated: bool  # only with partial=True
    warnings: list[tuple[str, str]]  # (code, text): format.bad_text


class FitsColumn(TypedDict):
    """One column of a FITS table."""

    name: str | None  # TTYPEn
    tform: str
    repeat: int
    code: str  # L X B I J K A E D C M, P or Q (binary); A I F E D (ASCII)
    element: str  # P and Q: code of the array elements, else ""
    max_elements: int | None  # P and Q: from the parentheses
    offset: int  # in the row [B]
    width: int  # in the row [B]
    decimals: int | None  # ASCII tables
    unit: str | None  # TUNITn
    scale: float | None  # TSCALn
    zero: float | int | None  # TZEROn
    null: int | str | None  # TNULLn
    dim: str | None  # TDIMn
    disp: str | None  # TDISPn


class FitsHdu(TypedDict):
    """One header-data unit. Shapes are in numpy order, the reverse of NAXIS1, NAXIS2, …"""

    index: int
    kind: Literal[
        "primary", "image", "table", "bintable", "compressed_image", "random_groups", "unknown", "broken"
    ]
    cards: list[
        tuple[str, CardValue, str]
    ]  # (keyword, value, comment); COMMENT, HISTORY, blank: text as value
    header_offset: int
    header_size: int  # with padding [B]
    data_offset: int
    data_size: int  # without padding, heap included [B]; 0 where the header is unusable
    available: int  # bytes of the data that are in the file
    bitpix: int
    dtype: str  # of an image: u1 i2 i4 i8 f4 f8; always big-endian
    shape: tuple[int, ...]
    pcount: int
    gcount: int
    rows: int  # tables: NAXIS2
    row_size: int  # tables: NAXIS1 [B]
    heap_offset: int  # from data_offset [B]; row_size * rows when there is no heap
    heap_size: int
    columns: list[FitsColumn]
    error: tuple[str, str] | None  # (code, text); the HDU is then not to be read beyond `available`
