"""From the compiled document to running pipelines: workers, sources, sinks, windows, dead letters.

A pipeline that cannot be built (a transform that does not load, contracts that do not fit) becomes a problem in
the status and is left out; the others run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import trio

from alloy_agent.config import model
from alloy_agent.config.contracts import PipelineContracts, check_contracts
from alloy_agent.config.model import Document, FilesSource, Pipeline, TransformRef
from alloy_agent.errors import AgentError
from alloy_agent.mqtt.link import Link
from alloy_agent.mqtt.topics import Topics
from alloy_agent.native import CodedError, jail
from alloy_agent.pipeline.deadletter import DeadLetters, Letter
from alloy_agent.pipeline.filejobs import FilePipeline
from alloy_agent.pipeline.outlet import Outlet
from alloy_agent.pipeline.quality import Expectation
from alloy_agent.pipeline.queue import BatchLimits
from alloy_agent.pipeline.records import RecordPipeline
from alloy_agent.pipeline.routes import Case, Route
from alloy_agent.pipeline.sinks import FileSink, MqttSink, StdoutSink
from alloy_agent.pipeline.window import Retry, Sink, Window
from alloy_agent.workers.decoder import DecoderPool
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.transform import TransformStage
from alloy_transforms.wire import cbor
from alloy_transforms.wire.encoding import Encoding, encoding

from . import logs, sources
from .status import clock_ns

LOG = logs.get("assemble")
LETTERS_PER_SECOND = 5.0
"""Announcements of dead letters on MQTT; the local file keeps every one."""

SinkPair = tuple[Sink, Encoding]


class Assembly:
    """Everything that was built for one document."""

    def __init__(
        self,
        nursery: trio.Nursery,
        document: Document,
        state: Path,
        topics: Topics,
        link: Link | None,
        workers: WorkerPool,
        decoders: DecoderPool,
    ) -> None:
        self.pipelines: list[RecordPipeline | FilePipeline] = []
        self.problems: list[str] = []
        self.layers: dict[str, Any] = jail.probe()
        self._nursery = nursery
        self._document = document
        self._state = state
        self._topics = topics
        self._link = link
        self._workers = workers
        self._decoders = decoders
        self._configs: dict[str, Pipeline] = {}
        self._mqtt_sinks: list[MqttSink] = []
        self._stages: list[TransformStage] = []
        self._letters_next = 0.0
        self._letters_held = 0

    @classmethod
    @asynccontextmanager
    async def open(
        cls, nursery: trio.Nursery, document: Document, state: Path, topics: Topics, link: Link | None
    ) -> AsyncIterator[Assembly]:
        """Start what pipelines share; everything is closed at the end."""
        agent = document.agent
        workers = WorkerPool(nursery, agent.workers, agent.sandbox)
        decoders = DecoderPool(nursery)
        assembly = cls(nursery, document, state, topics, link, workers, decoders)
        try:
            yield assembly
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 5):
                for stage in assembly._stages:
                    await stage.aclose()
                await workers.aclose()
                await decoders.aclose()

    async def build(self) -> None:
        """Build every enabled pipeline of the document."""
        for config in self._document.pipelines:
            if not config.enabled:
                continue
            try:
                self.pipelines.append(await self._pipeline(config))
                self._configs[config.name] = config
            except CodedError as error:
                LOG.error("pipeline.left_out", pipeline=config.name, error=str(error))
                self.problems.append(f"{config.file}: {error}")

    async def _pipeline(self, config: Pipeline) -> RecordPipeline | FilePipeline:
        sinks = [self._sink(config, number) for number in range(len(config.sinks))]
        window = Window(
            [sink for sink, _ in sinks],
            self._document.agent.spool.window_bytes,
            Retry(attempts=config.on_error.max, timeout_s=config.on_error.timeout_s),
        )
        letters = DeadLetters(self._state / "dlq", config.name, self._document.agent.spool.dead_letter_bytes)
        if isinstance(config.source, FilesSource):
            source = sources.files(config.name, config.source, self._state)
            return FilePipeline(
                config.name,
                source,
                self._decoders.decode,
                window,
                sinks,
                cbor.sid,
                letters,
                self._announce(config),
            )
        feed = sources.records(config.name, config.source, self._link)
        return RecordPipeline(
            config.name,
            feed,
            await self._route(config, feed.name, sinks),
            window,
            letters,
            BatchLimits(config.batch_rows, config.batch_bytes, config.batch_wait_ms / 1000),
            self._announce(config),
            drop_refused=config.on_error.then == "drop",
        )

    async def _stage(self, pipeline: str, ref: TransformRef) -> TransformStage:
        log = logs.get(f"transform.{pipeline}")
        stage = TransformStage(
            self._workers, pipeline, ref, on_log=lambda text: log.info("transform.log", text)
        )
        self._stages.append(stage)
        await stage.start()
        return stage

    async def _route(self, config: Pipeline, source: str, sinks: Sequence[SinkPair]) -> Route:
        main = [await self._stage(config.name, ref) for ref in config.stages]
        tails = {
            value: [await self._stage(config.name, ref) for ref in refs]
            for value, refs in (config.route.cases if config.route else {}).items()
        }
        contracts = PipelineContracts(
            tuple(stage.contract for stage in main),
            {value: tuple(stage.contract for stage in tail) for value, tail in tails.items()},
        )
        found = check_contracts(config, contracts)
        errors = [problem for problem in found if problem.severity == "error"]
        if errors:
            first = errors[0]
            raise AgentError(first.code, first.message, where=config.file, hint=first.hint)
        expect = {name: Expectation(e.min, e.max) for name, e in config.expect.items()}

        def outlet(stages: Sequence[TransformStage]) -> Outlet:
            return Outlet(
                [stage.contract for stage in stages],
                [stage.tier for stage in stages],
                source,
                "alloy-edge",
                expect,
                sinks,
                cbor.sid,
                clock_ns(),
            )

        if config.route is None:
            return Route(main, outlet(main))
        cases = {value: Case(tuple(tail), outlet([*main, *tail])) for value, tail in tails.items()}
        return Route(main, None, config.route.on, cases, dead_letter=config.route.otherwise == "dead_letter")

    def _sink(self, config: Pipeline, number: int) -> SinkPair:
        section = config.sinks[number]
        how = encoding(section.encoding)
        if isinstance(section, model.StdoutSink):
            return StdoutSink(), how
        if isinstance(section, model.FileSink):
            lines = section.encoding == "jsonl"
            path = Path(section.path)
            return FileSink(path, max_bytes=section.max_bytes, keep=section.keep, framed_lines=lines), how
        if self._link is None:
            raise AgentError("config.needs_broker", "an mqtt sink needs a broker", where=config.file)
        sink = MqttSink(
            self._link,
            self._topics.data(config.name, section.stream),
            self._topics.schema(""),
            qos=section.qos,
            content_type=how.CONTENT_TYPE,
            require_consumer=section.require_consumer,
        )
        self._mqtt_sinks.append(sink)
        return sink, how

    def _announce(self, config: Pipeline) -> Any:
        topic = self._topics.dlq(config.name)

        def publish(letters: Sequence[Letter]) -> None:
            if self._link is None or not self._link.stats.connected:
                return
            now = trio.current_time()
            if now < self._letters_next:
                self._letters_held += len(letters)
                return
            self._letters_next = now + 1 / LETTERS_PER_SECOND
            letter = letters[-1]
            payload = msgspec.json.encode(
                {
                    "code": letter.code,
                    "message": letter.message[:512],
                    "stage": letter.stage,
                    "line": letter.line,
                    "received_ns": letter.received_ns,
                    "size": len(letter.payload),
                    "sample": letter.payload[:64].hex(),
                    "note": letter.note,
                    "others": len(letters) - 1 + self._letters_held,
                }
            )
            self._letters_held = 0
            self._nursery.start_soon(self._publish, topic, payload)

        return publish

    async def _publish(self, topic: str, payload: bytes) -> None:
        if self._link is not None:
            await self._link.publish(topic, payload, qos=1, content_type="application/json")

    async def announce_again(self) -> None:
        """After a reconnect: publish the descriptors again."""
        for sink in self._mqtt_sinks:
            await sink.announce_again()

    def facts(self) -> list[dict[str, Any]]:
        """What status says of each pipeline."""
        return [self._facts(pipeline) for pipeline in self.pipelines]

    def _facts(self, pipeline: RecordPipeline | FilePipeline) -> dict[str, Any]:
        stats, source = pipeline.stats, pipeline.source.stats
        stages: list[dict[str, Any]] = []
        queued = 0
        if isinstance(pipeline, RecordPipeline):
            queued = len(pipeline.queue)
            stages = [
                {"name": stage.contract.name, "tier": stage.tier, "digest": stage.contract.digest}
                for stage in pipeline.route.all_stages()
            ]
        return {
            "name": pipeline.name,
            "digest": self._configs[pipeline.name].digest,
            "state": pipeline.state,
            "reason": pipeline.reason,
            "stages": stages,
            "inputs": stats.inputs,
            "rows": stats.rows,
            "blocks": stats.blocks,
            "refused": stats.refused,
            "by_code": stats.by_code,
            "restarts": stats.restarts,
            "queued": queued,
            "unacknowledged": len(pipeline.window),
            "delivered": pipeline.window.delivered,
            "dead_letters": pipeline.letters.count,
            "lost": pipeline.letters.lost,
            "source": {
                "name": pipeline.source.name,
                "connected": source.connected,
                "inputs": source.inputs,
                "bytes": source.bytes,
                "dropped_bytes": source.dropped_bytes,
                "reconnects": source.reconnects,
                "last_error": source.last_error,
            },
        }

    def process_names(self) -> dict[int, str]:
        """Pid -> what it is for."""
        names = self._workers.process_names()
        decoder = self._decoders.zygote_pid
        return names if decoder is None else {**names, decoder: "decoder zygote"}
