"""ChirpStack uplink events (integration `event/up`, JSON), version 4 and the older version 3 form.

Envelope of a chain: gives the device, its payload and port to the codec behind it, and carries the radio
facts through. `time` is the server's receive time; version 3 sends none, there it is the gateway's, where
that has a clock. Source: ChirpStack documentation, "Events", and the v3 "Integrations" pages.
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
    "tenant": {"type": "text", "max": 400, "optional": True},
    "device_profile": {"type": "text", "max": 400, "optional": True},
}
EXAMPLES = (
    {
        "in": {
            "payload": (
                "7b2264656475706c69636174696f6e4964223a2235373433333336362d353061362d346463322d383134352d32646631"
                "6262633730643965222c2274696d65223a22323032332d30352d32325430373a34373a30352e3430343835392b30303a"
                "3030222c22646576696365496e666f223a7b2274656e616e744964223a2235326631346364342d633666312d34666264"
                "2d386638372d343032356531643439323432222c2274656e616e744e616d65223a224368697270537461636b222c2261"
                "70706c69636174696f6e4964223a2263613733396532362d376236372d346631342d623639652d643536386332326135"
                "613735222c226170706c69636174696f6e4e616d65223a224368697270737461636b206170706c69636174696f6e222c"
                "2264657669636550726f66696c654964223a2236303564303864342d363566352d346432632d386135612d3364323435"
                "37363632663739222c2264657669636550726f66696c654e616d65223a224368697270737461636b2064656661756c74"
                "206465766963652070726f66696c65222c226465766963654e616d65223a22446576696365206e616d65222c22646576"
                "457569223a2231303030303030303030303030303031222c2274616773223a7b7d7d2c2264657641646472223a223230"
                "303030303031222c22616472223a747275652c226472223a352c2266436e74223a342c2266506f7274223a38352c2263"
                "6f6e6669726d6564223a66616c73652c2264617461223a224151446941696b4541436346426759444341634e59673d3d"
                "222c227278496e666f223a5b7b22676174657761794964223a2236613765313131613130303030303030222c2275706c"
                "696e6b4964223a32343032322c2274696d65223a22323032332d30352d32325430373a34373a30352e3430343835392b"
                "30303a3030222c2272737369223a2d33352c22736e72223a31312e352c226368616e6e656c223a322c22726643686169"
                "6e223a312c226c6f636174696f6e223a7b7d2c22636f6e74657874223a224546774d74413d3d222c226d657461646174"
                "61223a7b22726567696f6e5f636f6d6d6f6e5f6e616d65223a224555383638222c22726567696f6e5f636f6e6669675f"
                "6964223a226575383638227d2c22637263537461747573223a224352435f4f4b227d5d2c227478496e666f223a7b2266"
                "72657175656e6379223a3836383530303030302c226d6f64756c6174696f6e223a7b226c6f7261223a7b2262616e6477"
                "69647468223a3132353030302c22737072656164696e67466163746f72223a372c22636f646552617465223a2243525f"
                "345f35227d7d7d7d"
            )
        },
        "out": (
            {
                "device": "1000000000000001",
                "payload": "0100e202290400270506060308070d62",
                "port": 85,
                "f_cnt": 4,
                "dev_addr": "20000001",
                "confirmed": False,
                "gateways": 1,
                "rssi": -35.0,
                "snr": 11.5,
                "gateway": "6A7E111A10000000",
                "time": 1684741625404859000,
                "frequency": 868500000,
                "bandwidth": 125000,
                "spreading_factor": 7,
                "code_rate": "4/5",
                "device_name": "Device name",
                "application": "Chirpstack application",
                "application_id": "ca739e26-7b67-4f14-b69e-d568c22a5a75",
                "tenant": "ChirpStack",
                "device_profile": "Chirpstack default device profile",
            },
        ),
    },
    {
        "in": {
            "payload": (
                "7b226170706c69636174696f6e4944223a22313233222c226170706c69636174696f6e4e616d65223a2274656d706572"
                "61747572652d73656e736f72222c226465766963654e616d65223a2267617264656e2d73656e736f72222c2264657645"
                "5549223a2241674943416749434167493d222c227278496e666f223a5b7b22676174657761794944223a2241774d4441"
                "774d4441774d3d222c2274696d65223a22323031392d31312d30385431333a35393a32352e3034383434355a222c2274"
                "696d6553696e636547505345706f6368223a6e756c6c2c2272737369223a2d34382c226c6f5261534e52223a392c2263"
                "68616e6e656c223a352c227266436861696e223a302c22626f617264223a302c22616e74656e6e61223a302c226c6f63"
                "6174696f6e223a7b226c61746974756465223a35322e333734303336342c226c6f6e676974756465223a342e39313434"
                "3430312c22616c746974756465223a31302e357d2c2266696e6554696d657374616d7054797065223a224e4f4e45222c"
                "22636f6e74657874223a2239752f7576413d3d222c2275706c696e6b4944223a226a684d683847713652414f4368534b"
                "626938335248513d3d227d5d2c227478496e666f223a7b226672657175656e6379223a3836383130303030302c226d6f"
                "64756c6174696f6e223a224c4f5241222c226c6f52614d6f64756c6174696f6e496e666f223a7b2262616e6477696474"
                "68223a3132352c22737072656164696e67466163746f72223a31312c22636f646552617465223a22342f35222c22706f"
                "6c6172697a6174696f6e496e76657273696f6e223a66616c73657d7d2c22616472223a747275652c226472223a312c22"
                "66436e74223a31302c2266506f7274223a352c2264617461223a224167493741414d414e774a784447413d222c227461"
                "6773223a7b226b6579223a2276616c7565227d7d"
            )
        },
        "out": (
            {
                "device": "0202020202020202",
                "payload": "02023b0003003702710c60",
                "port": 5,
                "f_cnt": 10,
                "gateways": 1,
                "rssi": -48.0,
                "snr": 9.0,
                "gateway": "0303030303030303",
                "time": 1573221565048445000,
                "frequency": 868100000,
                "bandwidth": 125000,
                "spreading_factor": 11,
                "code_rate": "4/5",
                "device_name": "garden-sensor",
                "application": "temperature-sensor",
                "application_id": "123",
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


def eui(value):
    """A 64-bit identifier as 16 capital hexadecimal digits; version 3 may send it as base64."""
    if re.fullmatch(r"[0-9A-Fa-f]{16}", value):
        return value.upper()
    raw = payload_bytes(value)
    if len(raw) != 8:
        raise ValueError("not a 64-bit identifier")
    return raw.hex().upper()


def best_gateway(receptions):
    """The reception with the strongest signal, the first of equals."""
    best = {}
    strongest = None
    for reception in receptions:
        if not isinstance(reception, dict):
            raise ValueError("not an object: rxInfo")
        rssi = number(reception, "rssi")
        if not best or (rssi is not None and (strongest is None or rssi > strongest)):
            best = reception
            strongest = rssi
    return best


def transform(payload: bytes) -> dict:
    message = parse(payload)
    info = section(message, "deviceInfo") or message  # version 3 keeps these at the top
    out = {"device": eui(text(info, "devEui") or text(info, "devEUI"))}
    out["payload"] = payload_bytes(text(message, "data"))
    put(out, "port", whole(message, "fPort"))
    put(out, "f_cnt", whole(message, "fCnt"))
    put(out, "dev_addr", text(message, "devAddr").upper())
    if isinstance(message.get("confirmed"), bool):
        out["confirmed"] = message["confirmed"]
    receptions = message.get("rxInfo") or []
    if not isinstance(receptions, list):
        raise ValueError("not a list: rxInfo")
    out["gateways"] = min(len(receptions), 255)
    best = best_gateway(receptions)
    put(out, "rssi", number(best, "rssi"))
    put(out, "snr", number(best, "snr" if "snr" in best else "loRaSNR"))
    gateway = text(best, "gatewayId") or text(best, "gatewayID")
    put(out, "gateway", eui(gateway) if gateway else "")
    when = text(message, "time") or text(best, "time")
    if when:
        out["time"] = instant(when)
    radio = section(message, "txInfo")
    put(out, "frequency", whole(radio, "frequency"))
    if isinstance(radio.get("modulation"), dict):
        lora = section(radio["modulation"], "lora")
        put(out, "bandwidth", whole(lora, "bandwidth"))
    else:
        lora = section(radio, "loRaModulationInfo")
        kilohertz = whole(lora, "bandwidth")  # version 3 counts in kHz
        put(out, "bandwidth", None if kilohertz is None else kilohertz * 1000)
    put(out, "spreading_factor", whole(lora, "spreadingFactor"))
    put(out, "code_rate", text(lora, "codeRate").removeprefix("CR_").replace("_", "/"))
    put(out, "device_name", text(info, "deviceName"))
    put(out, "application", text(info, "applicationName"))
    put(out, "application_id", text(info, "applicationId") or text(info, "applicationID"))
    put(out, "tenant", text(info, "tenantName"))
    put(out, "device_profile", text(info, "deviceProfileName"))
    return out
