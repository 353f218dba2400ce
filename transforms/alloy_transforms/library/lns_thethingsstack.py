"""The Things Stack uplink messages (`v3/{application}/devices/{device}/up`, JSON).

Envelope of a chain: gives the device, its payload and port to the codec behind it, and carries the radio
facts through. `time` is when the network server received the uplink (`uplink_message.received_at`), the
earliest server time; `application_time` is the outer `received_at`, when the application server had it.
Source: The Things Stack documentation, "Data formats", and the API reference of ApplicationUp.
"""
import base64
import datetime
import json
import re

NEEDS = ("modules:base64", "modules:datetime", "modules:json", "modules:re")
INPUT = {"payload": "bytes"}
OUTPUT = {
    "device": {"type": "text", "max": 16},  # DevEUI, 16 hexadecimal digits in capitals
    "time": {"type": "time_ns", "optional": True},
    "application_time": {"type": "i64", "unit": "ns", "optional": True},  # since 1970-01-01 UTC
    "port": {"type": "u8", "optional": True},
    "payload": {"type": "bytes", "max": 255},
    "f_cnt": {"type": "u32", "optional": True},
    "dev_addr": {"type": "text", "max": 8, "optional": True},
    "rssi": {"type": "f64", "unit": "dB{mW}", "optional": True},
    "snr": {"type": "f64", "unit": "dB", "optional": True},
    "frequency": {"type": "u32", "unit": "Hz", "optional": True},
    "spreading_factor": {"type": "u8", "unit": "1", "optional": True},
    "bandwidth": {"type": "u32", "unit": "Hz", "optional": True},
    "code_rate": {"type": "text", "max": 16, "optional": True},
    "confirmed": {"type": "bool", "optional": True},
    "gateway": {"type": "text", "max": 64, "optional": True},  # the one that heard it best
    "gateways": {"type": "u8", "unit": "{#}"},
    "device_name": {"type": "text", "max": 400, "optional": True},
    "application": {"type": "text", "max": 400, "optional": True},
    "application_id": {"type": "text", "max": 64, "optional": True},
    "tenant": {"type": "text", "max": 64, "optional": True},
}
EXAMPLES = (
    {
        "in": {
            "payload": (
                "7b22656e645f6465766963655f696473223a7b226465766963655f6964223a226575692d313030303030303030303030"
                "30303031222c226170706c69636174696f6e5f696473223a7b226170706c69636174696f6e5f6964223a226170706c69"
                "636174696f6e2d7474732d6e616d65227d2c226465765f657569223a2231303030303030303030303030303031222c22"
                "6a6f696e5f657569223a2232303030303030303030303030303031222c226465765f61646472223a2232303030303030"
                "31227d2c2272656365697665645f6174223a22323032332d30352d31395430353a33333a33352e383438343436343633"
                "5a222c2275706c696e6b5f6d657373616765223a7b2273657373696f6e5f6b65795f6964223a22415966716d62307063"
                "2f3175525a76397855796467513d3d222c22665f706f7274223a38352c22665f636e74223a31303333352c2266726d5f"
                "7061796c6f6164223a224151446941696b4541436346426759444341634e59673d3d222c2272785f6d65746164617461"
                "223a5b7b22676174657761795f696473223a7b22676174657761795f6964223a226575692d3661376531313161313030"
                "3030303030222c22657569223a2236413745313131413130303030303030227d2c2274696d65223a22323032332d3035"
                "2d31395430353a33333a33352e3630383938325a222c2274696d657374616d70223a333839333534363133332c227273"
                "7369223a2d33352c226368616e6e656c5f72737369223a2d33352c22736e72223a31332e322c226672657175656e6379"
                "5f6f6666736574223a223639222c2275706c696e6b5f746f6b656e223a2272656d6f766564222c226368616e6e656c5f"
                "696e646578223a332c2272656365697665645f6174223a22323032332d30352d31395430353a33333a33352e36303733"
                "38333638315a227d5d2c2273657474696e6773223a7b22646174615f72617465223a7b226c6f7261223a7b2262616e64"
                "7769647468223a3132353030302c22737072656164696e675f666163746f72223a372c22636f64696e675f7261746522"
                "3a22342f35227d7d2c226672657175656e6379223a22383637313030303030222c2274696d657374616d70223a333839"
                "333534363133332c2274696d65223a22323032332d30352d31395430353a33333a33352e3630383938325a227d2c2272"
                "656365697665645f6174223a22323032332d30352d31395430353a33333a33352e3634313834313738325a222c22636f"
                "6e73756d65645f61697274696d65223a22302e30353635373673222c226e6574776f726b5f696473223a7b226e65745f"
                "6964223a22303030303133222c2274656e616e745f6964223a2274746e222c22636c75737465725f6964223a22657531"
                "222c22636c75737465725f61646472657373223a226575312e636c6f75642e7468657468696e67732e6e6574776f726b"
                "227d7d7d"
            )
        },
        "out": (
            {
                "device": "1000000000000001",
                "payload": "0100e202290400270506060308070d62",
                "port": 85,
                "f_cnt": 10335,
                "dev_addr": "20000001",
                "confirmed": False,
                "time": 1684474415641841782,
                "application_time": 1684474415848446463,
                "gateways": 1,
                "rssi": -35.0,
                "snr": 13.2,
                "gateway": "6A7E111A10000000",
                "frequency": 867100000,
                "bandwidth": 125000,
                "spreading_factor": 7,
                "code_rate": "4/5",
                "device_name": "eui-1000000000000001",
                "application": "application-tts-name",
                "application_id": "application-tts-name",
                "tenant": "ttn",
            },
        ),
    },
)

MAX_BYTES = 65536
EPOCH = datetime.datetime(1970, 1, 1)
INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse(payload):
    """The JSON object of a message; anything else, however strange, is a ValueError."""
    if len(payload) > MAX_BYTES:
        raise ValueError("message too long")
    try:
        message = json.loads(payload.decode("utf-8"))
    except RecursionError:
        raise ValueError("message nested too deeply") from None
    if not isinstance(message, dict):
        raise ValueError("not a JSON object")
    return message


def section(message, key):
    """The object at `key`, an empty one where there is none."""
    value = message.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("not an object: " + key)
    return value


def text(message, key):
    """The text at `key`, empty where there is none."""
    value = message.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("not a text: " + key)
    return value


def whole(message, key):
    """The whole number at `key`, also where it is written as text; None where there is none."""
    value = message.get(key)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError("not a whole number: " + key)


def number(message, key):
    """The number at `key` as a float; None where there is none."""
    value = message.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e9 < value < 1e9:
        raise ValueError("not a number: " + key)
    return float(value)


def instant(value):
    """RFC 3339 text as nanoseconds since 1970-01-01 UTC, exact to the last digit given."""
    match = INSTANT.fullmatch(value)
    if match is None:
        raise ValueError("not an RFC 3339 time")
    day, clock, fraction, zone = match.groups()
    seconds = (datetime.datetime.fromisoformat(day + "T" + clock) - EPOCH) // datetime.timedelta(seconds=1)
    if zone not in "Zz":
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        seconds += offset if zone[0] == "-" else -offset
    return seconds * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))


def payload_bytes(value):
    """Base64 as bytes, also where a sender left out the padding; whatever else is a ValueError."""
    return base64.b64decode(value + "=" * (-len(value) % 4), validate=True)


def put(out, key, value):
    """Set a field that has a value; empty text and None leave it missing."""
    if value is not None and value != "":
        out[key] = value


def best_gateway(receptions):
    """The reception with the strongest signal, the first of equals."""
    best = {}
    strongest = None
    for reception in receptions:
        if not isinstance(reception, dict):
            raise ValueError("not an object: rx_metadata")
        rssi = number(reception, "rssi")
        if not best or (rssi is not None and (strongest is None or rssi > strongest)):
            best = reception
            strongest = rssi
    return best


def transform(payload: bytes) -> dict:
    message = parse(payload)
    device = section(message, "end_device_ids")
    uplink = section(message, "uplink_message")
    if not uplink:
        raise ValueError("no uplink_message")
    eui = text(device, "dev_eui").upper()
    if not re.fullmatch(r"[0-9A-F]{16}", eui):
        raise ValueError("not a 64-bit identifier")
    out = {"device": eui, "payload": payload_bytes(text(uplink, "frm_payload"))}
    put(out, "port", whole(uplink, "f_port"))
    out["f_cnt"] = whole(uplink, "f_cnt") or 0  # zero is left out by the server
    put(out, "dev_addr", text(device, "dev_addr").upper())
    out["confirmed"] = uplink.get("confirmed") is True
    received = text(uplink, "received_at")
    if received:
        out["time"] = instant(received)
    forwarded = text(message, "received_at")
    if forwarded:
        out["application_time"] = instant(forwarded)
    receptions = uplink.get("rx_metadata") or []
    if not isinstance(receptions, list):
        raise ValueError("not a list: rx_metadata")
    out["gateways"] = min(len(receptions), 255)
    best = best_gateway(receptions)
    put(out, "rssi", number(best, "rssi"))
    put(out, "snr", number(best, "snr"))
    gateway = section(best, "gateway_ids")
    put(out, "gateway", text(gateway, "eui").upper() or text(gateway, "gateway_id"))
    settings = section(uplink, "settings")
    lora = section(section(settings, "data_rate"), "lora")
    put(out, "frequency", whole(settings, "frequency"))
    put(out, "bandwidth", whole(lora, "bandwidth"))
    put(out, "spreading_factor", whole(lora, "spreading_factor"))
    put(out, "code_rate", text(lora, "coding_rate") or text(settings, "coding_rate"))
    put(out, "device_name", text(device, "device_id"))
    put(out, "application", text(section(device, "application_ids"), "application_id"))
    put(out, "application_id", text(section(device, "application_ids"), "application_id"))
    put(out, "tenant", text(section(uplink, "network_ids"), "tenant_id"))
    return out
