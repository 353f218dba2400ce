"""Records a built module in the state folder of this host's daemon, which accepts it under `modules.trust: local`."""

from __future__ import annotations

import os
import time
from pathlib import Path

from alloy_agent.build.make import Made
from alloy_ota.local import Built
from alloy_ota.modules import FOLDER, Modules


def configured(config: Path) -> Path | None:
    """The state folder of the daemon that is configured here; None where this user cannot write to it."""
    from alloy_agent.config.folder import compile_folder
    from alloy_agent.config.model import Agent

    agent = compile_folder(config).agent if config.is_dir() else Agent()
    folder = Path(agent.state_dir)
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def record(made: Made, state_dir: Path) -> Path:
    """Put the module into the store, then say that it was built here; on disk when this returns.

    Args:
        made: what was built.
        state_dir: `state_dir` of agent.yaml.

    Returns:
        Folder of the modules.

    Raises:
        OtaError: `ota.*`, the store is full or cannot be written.
    """
    facts = made.facts()
    folder = state_dir / FOLDER
    built = Built(
        module=made.wheel.module_sha256,
        name=facts["name"],
        transform=facts["digest"],
        source=facts["source"],
        ir=facts["ir"],
        arch=made.tools.machine,
        abi=facts["abi"],
        size=len(made.wheel.module),
        built_ns=time.time_ns(),
        tool=made.tools.release,
    )
    Modules(folder).admit(made.wheel.module, built)
    return folder
