"""`python -m alloy_agent` is `alloy-edge`."""

import sys

from .cli import main

sys.exit(main())
