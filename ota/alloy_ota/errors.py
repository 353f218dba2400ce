"""Errors of this package and the registry of their codes."""

from .native import CodedError


class OtaError(CodedError):
    """Root of every error this package raises on purpose."""


class HashMismatchError(OtaError):
    """An object is not what its name says (`ota.hash`)."""


class MissingError(OtaError):
    """An object or a record that is not there (`ota.missing`)."""


class FileKindError(OtaError):
    """A name leads to what must not be opened: a link, a pipe, a folder, a file that others may change (`ota.file`)."""


class LimitError(OtaError):
    """Something is larger, longer or more than this package keeps (`ota.limit`)."""


class DiskError(OtaError):
    """The operating system would not read or write (`ota.disk`, retryable)."""


class RecordError(OtaError):
    """A record is damaged, of another program or version, or holds what it may not (`ota.record`)."""


CODES: dict[str, str] = {
    "ota.disk": "the folder of modules cannot be read or written: full, read-only, or not ours",
    "ota.file": "a file of the store is a link, no regular file, or may be changed by others",
    "ota.hash": "an object of the store is not what its name says",
    "ota.limit": "an object, a record or the store would be larger than allowed",
    "ota.missing": "the store has no such object, or this host no record of it",
    "ota.record": "a record is damaged or of a version that is not known",
}
"""code -> meaning; codes are never reused. `docs/errors.md` is generated from this."""
