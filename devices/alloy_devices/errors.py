"""Errors of this package and the registry of their codes."""

from .native import CodedError


class DeviceError(CodedError):
    """Root of every error this package raises on purpose."""


class FrameError(DeviceError):
    """A framing that cannot work (`framing.*`)."""


class DeviceGoneError(DeviceError):
    """The device or the peer is not there now; trying again later may help (`device.*`)."""


class FormatError(DeviceError):
    """A file that cannot be read, or not all of it (`format.*`)."""


class ShimError(DeviceError):
    """A board program asks for what has no stand-in here (`board.*`)."""


CODES: dict[str, str] = {
    "framing.invalid": "a framing setting does not fit its kind or its limits",
    "device.gone": "the device or the peer is not there, or it hung up",
    "device.open": "the device is there but could not be opened or configured",
    "device.permission": "this user may not open the device",
    "device.busy": "another program has the device open",
    "device.mqtt_qos": "the mqtt source reads with QoS 0 or 1",
    "device.silent": "nothing came for longer than `silence_s`; the device is opened again",
    "board.installed": "the stand-ins of another board are installed",
    "board.refused": "a feature of boards has no stand-in, because it means something else here",
    "board.uart": "a UART has no port behind it, or settings that no UART has",
    "format.malformed": "the structure of the file is damaged",
    "format.not_yet": "the object uses a feature of its format that is not read",
    "format.outside_reference": "the object refers to another file; other files are never opened",
    "format.link_cycle": "links lead in a circle",
    "format.dangling_link": "a link leads to nothing",
    "format.too_deep": "groups lie deeper than the limit",
    "format.too_many": "the file holds more objects, chunks or dimensions than the limit",
    "format.chunk_too_large": "one stored chunk is larger than the limit once inflated",
    "format.bad_fill": "a fill value cannot be used",
    "format.unknown_time": "a time unit, epoch or calendar is not defined; numbers are kept as they are",
    "format.unknown_unit": "a unit is not known; it is kept verbatim",
    "format.empty": "the object is valid and holds no element",
    "format.attribute": "an attribute was left out: too large, or of a type that is not read",
    "format.crash": "the decoder died on the file",
    "format.time": "decoding took longer than its wall-clock limit; the decoder was killed",
    "format.memory": "decoding asked for more memory than it may have",
    "format.protocol": "the decoder sent a malformed reply",
    "files.full": "the watched folder holds more names than are looked at",
    "files.gone": "the watched folder cannot be read",
    "files.option": "a setting of a watched folder cannot work",
    "files.state": "the table of finished files could not be written",
}
"""code -> meaning; codes are never reused. `docs/errors.md` is generated from this."""
