"""Which module a transform may run: in the store, trusted on this device, and made of exactly what runs now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alloy_agent.errors import ModuleRefusedError, WorkerError
from alloy_agent.workers.module import ABI
from alloy_ota.errors import MissingError, OtaError
from alloy_ota.local import Built
from alloy_ota.modules import Modules

SIGNED, LOCAL = "signed", "local"
SHOWN: Final = 3  # near misses named in a message


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a module must have been made of.

    Attributes:
        where: pipeline and transform, for messages.
        transform: digest of the contract (source and PARAMS).
        ir: digest of the IR; empty where the file is not portable.
        reason: why it is not portable.
        arch: of this machine.
    """

    where: str
    transform: str
    ir: str
    reason: str
    arch: str

    def portable(self) -> None:
        """Nothing, or the error of a transform that has no native form.

        Raises:
            WorkerError: `promotion.not_portable`.
        """
        if not self.ir:
            raise WorkerError(
                "promotion.not_portable",
                "the transform has no native form",
                where=self.where,
                got=self.reason or "a `gateway` transform",
                hint="`alloy-edge lint --explain` says what would have to be written otherwise",
            )

    def __str__(self) -> str:
        return f"transform {self.transform[:12]}, IR {self.ir[:12]}, {self.arch}, ABI {ABI}"


class Candidates:
    """Looks into the folder of modules.

    Args:
        trust: `modules.trust` of agent.yaml.
    """

    def __init__(self, modules: Modules, trust: str) -> None:
        self._modules = modules
        self._trust = trust

    def find(self, wanted: Wanted) -> Built:
        """The newest module that fits.

        Raises:
            WorkerError: `promotion.not_portable`, or `promotion.no_candidate` with what was looked for.
        """
        wanted.portable()
        near: list[str] = []
        for built in self._modules.built.all() if self._trust == LOCAL else ():
            if built.transform != wanted.transform and built.name != wanted.where.rpartition("/")[2]:
                continue
            try:
                self._fits(built, wanted)
            except (ModuleRefusedError, OtaError) as error:
                near.append(f"{built.module[:12]}: {error.what}")
            else:
                return built
        raise WorkerError(
            "promotion.no_candidate",
            "there is no native module for this transform",
            where=wanted.where,
            got="; ".join(near[:SHOWN]) or "no module of that name",
            expected=str(wanted),
            hint="no signed update brings modules yet: set `modules: {trust: local}` in agent.yaml for those built here"
            if self._trust != LOCAL
            else "build it on this host: alloy-edge build FILE",
        )

    def check(self, module: str, wanted: Wanted) -> Built:
        """The record of one named module, if the transform may run it.

        Raises:
            ModuleRefusedError: `load.signature`, `load.hash`, `load.arch`, `load.abi`, `promotion.quarantined`.
            WorkerError: `promotion.not_portable`.
            OtaError: it is not in the store, or its record is damaged.
        """
        wanted.portable()
        built = self.trusted(module, wanted.where)
        self._fits(built, wanted)
        return built

    def trusted(self, module: str, where: str) -> Built:
        """The record that makes a module trusted.

        Raises:
            ModuleRefusedError: `load.signature`, nothing does.
            OtaError: the record is damaged.
        """
        if self._trust == LOCAL:
            try:
                return self._modules.built.get(module)
            except MissingError:
                pass
        raise ModuleRefusedError(
            "load.signature",
            "this device does not trust the native module",
            where=where,
            got=f"{module[:12]}, modules.trust: {self._trust}",
            expected="a module of a signed update; there are none before updates exist"
            if self._trust != LOCAL
            else "a module that `alloy-edge build` made on this host",
            hint="set `modules: {trust: local}` in agent.yaml to run what this host built"
            if self._trust != LOCAL
            else "build it on this host: alloy-edge build FILE",
        )

    def _fits(self, built: Built, wanted: Wanted) -> None:
        banned = self._modules.record.state.banned(built.module)
        if banned is not None:
            raise ModuleRefusedError(
                "promotion.quarantined",
                "the native module is in quarantine",
                where=wanted.where,
                got=f"{banned.code}: {banned.why}",
                hint="build it anew once its fault is found; the event `module.quarantined` shows the input",
            )
        for code, what, got, expected in (
            ("load.arch", "processor", built.arch, wanted.arch),
            ("load.abi", "interface", f"ABI {built.abi}", f"ABI {ABI}"),
            ("load.hash", "file or PARAMS", built.transform, wanted.transform),
            ("load.hash", "IR", built.ir, wanted.ir),
        ):
            if got != expected:
                raise ModuleRefusedError(
                    code,
                    f"the native module was made for another {what}",
                    where=wanted.where,
                    got=got,
                    expected=expected,
                    hint="build it again from the file and PARAMS that run",
                )
        if built.module not in self._modules.objects.sizes():
            raise MissingError(
                "ota.missing",
                "the store has no such module",
                where=self._modules.objects.folder,
                got=built.module,
                hint="build it again",
            )
