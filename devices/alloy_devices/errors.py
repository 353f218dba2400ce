"""Errors of this package and the registry of their codes."""

from .native import CodedError


class DeviceError(CodedError):
    """Root of every error this package raises on purpose."""


class FrameError(DeviceError):
    """A framing that cannot work (`framing.*`)."""


class DeviceGoneError(DeviceError):
    """The device or the peer is not there now; trying again later may help (`device.*`)."""


CODES: dict[str, str] = {
    "framing.invalid": "a framing setting does not fit its kind or its limits",
    "device.gone": "the device or the peer is not there, or it hung up",
    "device.open": "the device is there but could not be opened or configured",
    "device.permission": "this user may not open the device",
    "device.busy": "another program has the device open",
    "device.mqtt_qos": "the mqtt source reads with QoS 0 or 1",
    "device.silent": "nothing came for longer than `silence_s`; the device is opened again",
}
"""code -> meaning; codes are never reused. `docs/errors.md` is generated from this."""
