"""From the compiled document to running pipelines: workers, sources, sinks, windows, dead letters.

A pipeline that cannot be built (a transform that does not load, contracts that do not fit) becomes a problem in
the status and is left out; the others run. Each has its own share of the memory and its own broker connection for
what it reads, so that one that stands still holds up no other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from os import cpu_count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from alloy_agent.config.contracts import PipelineContracts, check_contracts
from alloy_agent.config.model import Document, FilesSource, MqttSource, Pipeline, TransformRef
from alloy_agent.errors import AgentError
from alloy_agent.mqtt.link import Link, LinkOptions
from alloy_agent.mqtt.topics import Topics
from alloy_agent.native import CodedError, jail
from alloy_agent.pipeline.deadletter import DeadLetters
from alloy_agent.pipeline.filejobs import FilePipeline
from alloy_agent.pipeline.outlet import Outlet
from alloy_agent.pipeline.quality import Expectation
from alloy_agent.pipeline.queue import BatchLimits
from alloy_agent.pipeline.records import RecordPipeline
from alloy_agent.pipeline.routes import Case, Route
from alloy_agent.pipeline.sinks import MqttSink
from alloy_agent.pipeline.window import Retry, Window
from alloy_agent.promotion.hotwatch import Build, HotWatch
from alloy_agent.promotion.promoter import Promoter
from alloy_agent.workers.decoder import DecoderLimits, DecoderPool
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.transform import TransformStage
from alloy_ota.modules import FOLDER, Modules
from alloy_transforms.wire import cbor

from . import logs, sources
from .facts import pipeline_facts
from .letters import LetterNews
from .links import make_link, source_options
from .sinks import SinkPair, make_sink
from .status import clock_ns
from .supervisor import describe
from .transform_news import TransformNews

if TYPE_CHECKING:
    from alloy_agent.pipeline.arrays import ArrayStep

LOG = logs.get("assemble")
BUILD_TOGETHER = min(4, cpu_count() or 1)
"""Pipelines built at the same time; more would only make their checks run into the wall clock."""
BUILD_TRIES = 3
WALL = "script.wall"
"""At start every core is busy: a file that was too slow to load then gets further tries."""
MIN_WINDOW_BYTES = 256 << 10
MAX_QUEUE_BYTES = 4 << 20


def _build(where: str, state: Path) -> Build | None:
    if where != "local":
        return None
    from alloy_agent.build.onhost import local_build  # a device that builds nothing goes without

    return local_build(state)


def _fit(config: Pipeline, contracts: PipelineContracts) -> None:
    """Nothing, or the first misfit of a pipeline with its transforms."""
    for problem in check_contracts(config, contracts):
        if problem.severity == "error":
            raise AgentError(
                problem.code,
                problem.message,
                where=config.file,
                got=problem.got,
                expected=problem.expected,
                hint=problem.hint,
            )


class Assembly:
    """Everything that was built for one document."""

    def __init__(
        self,
        nursery: trio.Nursery,
        document: Document,
        state: Path,
        topics: Topics,
        link: Link | None,
        options: LinkOptions | None,
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
        self._stages: dict[str, list[TransformStage]] = {}
        self._options = options
        self._source_links: dict[str, Link] = {}
        self._news = LetterNews(nursery, link)
        self._transform_news = TransformNews(link, topics)
        self.promoter = Promoter(nursery, Modules(state / FOLDER), document.agent)
        self.hot = HotWatch(self.promoter, nursery, _build(document.agent.promotion.build, state))
        enabled = [config for config in document.pipelines if config.enabled]
        self._mqtt_sources = sum(isinstance(config.source, MqttSource) for config in enabled)
        self._window_bytes = max(document.agent.spool.window_bytes // max(len(enabled), 1), MIN_WINDOW_BYTES)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        nursery: trio.Nursery,
        document: Document,
        state: Path,
        topics: Topics,
        link: Link | None,
        options: LinkOptions | None,
    ) -> AsyncIterator[Assembly]:
        """Start what pipelines share; everything is closed at the end.

        Args:
            link: the daemon's own connection; `options` are those of it.
        """
        agent = document.agent
        workers = WorkerPool(nursery, agent.workers, agent.sandbox)
        decoders = DecoderPool(nursery, DecoderLimits(idle_s=agent.workers.idle_stop_s))
        assembly = cls(nursery, document, state, topics, link, options, workers, decoders)
        nursery.start_soon(assembly._transform_news.run)
        await assembly.promoter.load()
        nursery.start_soon(assembly._look)
        try:
            yield assembly
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 5):
                await assembly.promoter.save_canaries()
                for name in tuple(assembly._stages):
                    await assembly._close_stages(name)
                await workers.aclose()
                await decoders.aclose()

    async def _look(self) -> None:
        """Look for hot transforms until cancelled; as in the supervisor, what fails there ends nothing else."""
        while True:
            try:
                await self.hot.run()
            except Exception as error:
                LOG.error("promotion.failed", error=describe(error))

    async def build(self) -> None:
        """Build every enabled pipeline of the document, some at a time; the order of the document stays."""
        enabled = [config for config in self._document.pipelines if config.enabled]
        built: dict[str, RecordPipeline | FilePipeline] = {}
        failed: dict[str, str] = {}
        places = trio.CapacityLimiter(BUILD_TOGETHER)

        async def one(config: Pipeline) -> None:
            async with places:
                try:
                    built[config.name] = await self._tried(config)
                except Exception as error:  # as in the supervisor: no pipeline stops another
                    failed[config.name] = describe(error)
                    await self._close_stages(config.name)

        async with trio.open_nursery() as nursery:
            for config in enabled:
                nursery.start_soon(one, config)
        for config in enabled:
            if config.name in built:
                self.pipelines.append(built[config.name])
                self._configs[config.name] = config
            else:
                LOG.error("pipeline.left_out", pipeline=config.name, error=failed[config.name])
                self.problems.append(f"{config.file}: {failed[config.name]}")

    async def _tried(self, config: Pipeline) -> RecordPipeline | FilePipeline:
        """Build a pipeline; again where only the moment was bad."""
        for _ in range(BUILD_TRIES - 1):
            try:
                return await self._pipeline(config)
            except CodedError as error:
                if not error.retryable and error.code != WALL:
                    raise
                LOG.warning("pipeline.again", pipeline=config.name, error=str(error))
            await self._close_stages(config.name)
        return await self._pipeline(config)

    async def _close_stages(self, name: str) -> None:
        for stage in self._stages.pop(name, []):
            self.promoter.forget(stage)
            await stage.aclose()

    async def _pipeline(self, config: Pipeline) -> RecordPipeline | FilePipeline:
        sinks = [make_sink(config, section, self._link, self._topics) for section in config.sinks]
        self._mqtt_sinks += [sink for sink, _ in sinks if isinstance(sink, MqttSink)]
        on_error = config.on_error
        attempts = on_error.max if on_error.strategy == "backoff" else 0
        window = Window(
            [sink for sink, _ in sinks],
            self._window_bytes,
            Retry(attempts=attempts, timeout_s=on_error.timeout_s),
        )
        drop = on_error.then == "drop"
        letters = DeadLetters(self._state / "dlq", config.name, self._document.agent.spool.dead_letter_bytes)
        if isinstance(config.source, FilesSource):
            steps = await self._steps(config)
            source = sources.files(config.name, config.source, self._state)
            return FilePipeline(
                config.name,
                source,
                self._decoders.decode,
                window,
                sinks,
                cbor.sid,
                letters,
                self._news.publisher(self._topics.dlq(config.name)),
                steps=steps,
                drop_refused=drop,
            )
        feed = sources.records(config.name, config.source, self._source_link(config))
        return RecordPipeline(
            config.name,
            feed,
            await self._route(config, feed.name, sinks),
            window,
            letters,
            BatchLimits(config.batch_rows, config.batch_bytes, config.batch_wait_ms / 1000),
            self._news.publisher(self._topics.dlq(config.name)),
            queue_bytes=min(self._window_bytes, MAX_QUEUE_BYTES),
            drop_refused=drop,
        )

    def _source_link(self, config: Pipeline) -> Link | None:
        """The connection of an mqtt source; made once for a pipeline, runs until the end of the daemon."""
        agent = self._document.agent
        if not isinstance(config.source, MqttSource) or self._options is None or agent.mqtt is None:
            return None
        link = self._source_links.get(config.name)
        if link is None:
            options = source_options(self._options, config.name, self._mqtt_sources)
            link = self._source_links[config.name] = make_link(options, agent.mqtt.version)
            self._nursery.start_soon(link.run)
        return link

    async def _stage(self, pipeline: str, ref: TransformRef) -> TransformStage:
        log = logs.get(f"transform.{pipeline}")
        stage = TransformStage(
            self._workers,
            pipeline,
            ref,
            on_log=lambda text: log.info("transform.log", text),
            on_notice=self._transform_news.tell,
        )
        self._stages.setdefault(pipeline, []).append(stage)
        await stage.start()
        await self.promoter.adopt(stage)
        return stage

    async def _steps(self, config: Pipeline) -> Sequence[ArrayStep]:
        if not config.stages:
            return ()
        from alloy_agent.pipeline.arrays import ArrayStep  # most pipelines of files have no transform

        stages = [await self._stage(config.name, ref) for ref in config.stages]
        _fit(config, PipelineContracts(tuple(stage.contract for stage in stages)))
        return [ArrayStep(stage, ref.inputs) for stage, ref in zip(stages, config.stages, strict=True)]

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
        _fit(config, contracts)
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

    async def announce_again(self) -> None:
        """After a reconnect: publish the descriptors again."""
        for sink in self._mqtt_sinks:
            await sink.announce_again()

    async def disconnect(self) -> None:
        """Say goodbye on the sources' connections, once the last acknowledgement is out."""
        async with trio.open_nursery() as nursery:
            for link in self._source_links.values():
                nursery.start_soon(link.disconnect)

    def facts(self) -> list[dict[str, Any]]:
        """What status says of each pipeline."""
        return [
            pipeline_facts(
                pipeline,
                self._configs[pipeline.name].digest,
                [{**stage.facts(), **self.hot.facts(stage)} for stage in self._stages.get(pipeline.name, ())],
                self._source_links.get(pipeline.name),
            )
            for pipeline in self.pipelines
        ]

    def process_names(self) -> dict[int, str]:
        """Pid -> what it is for."""
        names = self._workers.process_names()
        decoder = self._decoders.zygote_pid
        return names if decoder is None else {**names, decoder: "decoder zygote"}
