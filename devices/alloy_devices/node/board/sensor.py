"""The sensor of this node: how its frames are cut, and the transform that reads them.

The same file `pms5003.py` runs in the gateway. Source: PMS5003 series data manual V2.3 (2016), appendix I.
"""

import pms5003 as transform  # noqa: F401 - main.py reads it from here

NAME = "pms5003"
BAUD = 9600
START = b"\x42\x4d"
LENGTH_AT = 2  # two bytes, most significant first
LENGTH_ADJUST = 4  # added to the length field: bytes of the whole frame
MAX_BYTES = 64
SILENT_MS = 10000  # active mode sends at least every 2.3 s
