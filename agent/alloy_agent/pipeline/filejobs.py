"""A pipeline of files: folder, jailed decoder, blocks, window.

A file is settled only after its manifest is safe at every sink, so a crash in between decodes it again; its run id
depends on the file and its transforms alone, so consumers drop what they have already.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import trio

from alloy_agent.core.ids import file_run
from alloy_agent.errors import AgentError
from alloy_agent.native import CodedError
from alloy_devices.source import EmitFile, FileInput, SourceStats
from alloy_transforms.record import Chunk, Descriptor, Manifest
from alloy_transforms.wire.encoding import Encoding

from .deadletter import DeadLetters, Letter
from .outlet import SidOf
from .records import MAX_CODES, STAGE_FAILED, PipelineStats
from .window import Sink, Window

if TYPE_CHECKING:
    from .arrays import ArrayStage, ArrayStep

Item = Descriptor | Chunk | Manifest
MAX_FILES = 64
"""Files whose outcome is remembered for status."""
MAX_PROBLEM = 240
"""Characters of what is said of one."""


class FileSource(Protocol):
    """A watched folder."""

    name: str
    stats: SourceStats

    async def run(self, emit: EmitFile) -> None:
        """Emit finished files until cancelled."""
        ...


class Decode(Protocol):
    """The jailed decoder: one file in, checked items out."""

    def __call__(self, file: FileInput, *, run: str) -> AbstractAsyncContextManager[AsyncIterator[Item]]:
        """Descriptor first, then chunks, the manifest last; raises coded errors."""
        ...


@dataclass(slots=True)
class FileFacts:
    """What came of one of the last files; shown by status."""

    name: str
    outcome: str = "decoding"  # status of the manifest, or the code of the error that ended it
    variables: int = 0
    chunks: int = 0
    values: int = 0  # of quality 1 to 3
    problem: str = ""  # the first the manifest lists


class FilePipeline:
    """One running pipeline of files; files are taken one at a time.

    Args:
        source: the watched folder.
        decode: the jailed decoder.
        steps: element-wise transforms, in order.
        publish_letters: announces dead letters to the operator; must not raise or wait long.
    """

    def __init__(
        self,
        name: str,
        source: FileSource,
        decode: Decode,
        window: Window,
        sinks: Sequence[tuple[Sink, Encoding]],
        sid_of: SidOf,
        letters: DeadLetters,
        publish_letters: Callable[[Sequence[Letter]], None],
        *,
        steps: Sequence[ArrayStep] = (),
        drop_refused: bool = False,
    ) -> None:
        self.name = name
        self.source = source
        self.steps = steps
        self.window = window
        self.letters = letters
        self.stats = PipelineStats()
        self.state = "starting"
        self.reason = ""
        self.files: list[FileFacts] = []
        self._decode = decode
        self._sinks = sinks
        self._sid_of = sid_of
        self._publish_letters = publish_letters
        self._drop_refused = drop_refused
        self._stopping = trio.Event()
        self._idle = trio.Event()
        self._idle.set()

    def all_stages(self) -> list[ArrayStage]:
        """The transforms its arrays go through, in order."""
        return [step.stage for step in self.steps]

    def resume(self) -> None:
        """A transform is in use again: the file that waits for it is taken when it is offered the next time."""
        if self.state == "disabled":
            self.state, self.reason = "running", ""

    def stop(self) -> None:
        """Ask for a clean end: the file in hand is finished first, within the daemon's drain time."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until stopped and drained."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.window.run)
            self.state = "running"
            async with trio.open_nursery() as inner:

                async def end_when_stopped() -> None:
                    await self._stopping.wait()
                    await self._idle.wait()
                    inner.cancel_scope.cancel()

                inner.start_soon(end_when_stopped)
                await self.source.run(self._one)
                inner.cancel_scope.cancel()
            await self.window.drained()
            nursery.cancel_scope.cancel()
        self.state = "stopped"

    async def _one(self, file: FileInput) -> None:
        if self._stopping.is_set():
            os.close(file.fd)  # not settled: it is offered again after the next start
            return
        self.stats.inputs += 1
        self._idle = trio.Event()
        job = _Job(self, file)
        try:
            await self._whole(job)
        except CodedError as error:
            await self._give_up(job, error)
        except BaseException:
            file.settle("retry")  # the pipeline failed or was cancelled: the file is offered again
            raise
        finally:
            os.close(file.fd)
            self._idle.set()

    async def _whole(self, job: _Job) -> None:
        file = job.file
        descriptor: Descriptor | None = None
        facts = FileFacts(file.name)
        self._remember(facts)
        run = file_run(file.name, file.size, file.mtime_ns, *[step.identity for step in self.steps])
        arrays = self._arrays()
        async with self._decode(file, run=run) as items:
            async for item in items:
                if isinstance(item, Descriptor):
                    descriptor = arrays.begin(item)
                    sid = self._sid_of(descriptor)
                    facts.variables = len(descriptor.variables)
                    for sink, encoding in self._sinks:
                        await sink.announce(sid, b"".join(encoding.encode_descriptor(descriptor)))
                    continue
                if descriptor is None:
                    raise AgentError("violation.protocol", "the decoder sent a block before its descriptor")
                if isinstance(item, Chunk):
                    job.in_stages = True
                    chunks = await arrays.chunk(item)
                    job.in_stages = False
                    for chunk in chunks:
                        messages = [encoding.encode_chunk(chunk, descriptor) for _, encoding in self._sinks]
                        facts.chunks += 1
                        facts.values += chunk.stats.n_valid if chunk.stats else 0
                        self.stats.blocks += 1
                        await self.window.add(messages, _nothing, job.refuse)
                else:
                    manifest = arrays.end(item)
                    messages = [encoding.encode_manifest(manifest, descriptor) for _, encoding in self._sinks]
                    facts.outcome = manifest.status
                    facts.problem = ": ".join(manifest.errors[0])[:MAX_PROBLEM] if manifest.errors else ""
                    self.stats.rows += 1
                    job.status = manifest.status
                    if job.refused is None:
                        self.state, self.reason = "running", ""
                    await self.window.add(messages, job.settle, job.refuse_last)

    def _arrays(self) -> _Run:
        if not self.steps:
            return _AsDecoded()
        from .arrays import ArrayRun  # most pipelines of files have no transform

        return ArrayRun(self.steps, self._sid_of, self._asked_again)

    def _asked_again(self, error: CodedError) -> None:
        self.reason = str(error)

    def _remember(self, facts: FileFacts) -> None:
        self.files.append(facts)
        del self.files[:-MAX_FILES]

    def note(self, name: str, outcome: str) -> None:
        """What became of a file, for status."""
        for facts in reversed(self.files):
            if facts.name == name:
                facts.outcome = outcome
                return

    async def _give_up(self, job: _Job, error: CodedError) -> None:
        file = job.file
        self.stats.refused += 1
        if error.code in self.stats.by_code or len(self.stats.by_code) < MAX_CODES:
            self.stats.by_code[error.code] = self.stats.by_code.get(error.code, 0) + 1
        self.note(file.name, error.code)
        if job.in_stages:  # the fault of a transform, or of nobody, and never the file's: it waits
            self.state = "disabled" if error.code in STAGE_FAILED else self.state
            self.reason = f"{error.code}: {error.got or error.what}"
        if job.in_stages or error.retryable:
            file.settle("retry")
            return
        await self.bury(file, error)

    async def bury(self, file: FileInput, error: CodedError) -> None:
        """Settle a file that is given up: "failed" once its letter is safe; where the disk refuses, "retry"."""
        letter = Letter(error.code, str(error), "decoder", 0, file.received_ns, b"", file.name)
        if not self._drop_refused:
            try:
                await self.letters.add([letter])
            except AgentError:
                file.settle("retry")
                return
        file.settle("failed")
        if not self._drop_refused:
            self._publish_letters([letter])


class _Run(Protocol):
    """What happens to the items of one file on their way to the sinks."""

    def begin(self, descriptor: Descriptor) -> Descriptor:
        """The descriptor that is announced."""
        ...

    async def chunk(self, chunk: Chunk) -> Sequence[Chunk]:
        """The chunks to send for one of the file."""
        ...

    def end(self, manifest: Manifest) -> Manifest:
        """The manifest of all that was sent."""
        ...


class _AsDecoded:
    """A file without transforms."""

    def begin(self, descriptor: Descriptor) -> Descriptor:
        return descriptor

    async def chunk(self, chunk: Chunk) -> Sequence[Chunk]:
        return (chunk,)

    def end(self, manifest: Manifest) -> Manifest:
        return manifest


async def _nothing() -> None:
    return


@dataclass(slots=True)
class _Job:
    """Settles one file once its manifest is through; a file of which a sink refused any block is not done."""

    pipeline: FilePipeline
    file: FileInput
    in_stages: bool = False
    status: str = ""
    refused: AgentError | None = None

    async def refuse(self, error: AgentError) -> None:
        """A sink refused one block for good."""
        self.refused = self.refused or error
        self.pipeline.stats.refused += 1
        self.pipeline.reason = str(error)

    async def refuse_last(self, error: AgentError) -> None:
        """A sink refused the manifest."""
        self.refused = self.refused or error
        await self.settle()

    async def settle(self) -> None:
        """Every block of the file was answered."""
        if self.refused is None:
            self.file.settle("failed" if self.status == "refused" else "done")
            return
        self.pipeline.note(self.file.name, self.refused.code)
        await self.pipeline.bury(self.file, self.refused)
