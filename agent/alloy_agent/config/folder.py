"""Compiles a configuration folder: `agent.yaml`, `pipelines/*`, `transforms/*` to one document."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .build_agent import build_agent
from .build_pipeline import build_pipeline
from .cross import Device
from .limits import MAX_FILE_BYTES, MAX_PIPELINES
from .model import Agent, Document, Pipeline
from .names import NAME
from .reader import read_tree
from .report import START, Mark, Report
from .scripts import Scripts
from .shapes import Section, Values
from .spec_agent import AGENT
from .spec_pipeline import PIPELINE
from .tree import Scalar

SUFFIXES = (".yaml", ".yml", ".json")


def compile_folder(folder: Path) -> Document:
    """Compile everything below `folder`; findings are sorted by file, then by line."""
    agent_report = Report("agent.yaml")
    agent = _agent(folder, agent_report)
    scripts = Scripts(folder / "transforms")
    reports: list[Report] = []
    good: list[Pipeline] = []
    broken: list[str] = []
    device = Device(agent)
    for file in _pipeline_files(folder, agent_report):
        report = Report(f"pipelines/{file}")
        reports.append(report)
        made = _pipeline(folder, file, scripts, device, report)
        if made is not None:
            device.take(made, report)
        if made is None or report.failed:
            broken.append(report.file)
        else:
            good.append(made)
    return Document(
        agent=agent or Agent(),
        pipelines=tuple(good),
        problems=tuple(problem for report in (agent_report, *reports) for problem in report.problems()),
        broken=tuple(broken),
        device_valid=not agent_report.failed,
    )


def _agent(folder: Path, report: Report) -> Agent | None:
    values = _read(folder, "agent.yaml", AGENT, report)
    if values is None:
        return None
    agent = build_agent(values, report)
    return None if report.failed else agent


def _pipeline(folder: Path, file: str, scripts: Scripts, device: Device, report: Report) -> Pipeline | None:
    values = _read(folder, f"pipelines/{file}", PIPELINE, report)
    if values is None:
        return None
    stem = file.rpartition(".")[0]
    if "name" not in values.nodes:
        quiet = Report(report.file)
        if NAME.read(Scalar(stem, False, 1, 1), quiet) is None:
            report.add(
                values.node,
                "config.missing_key",
                "the file name is no name of a pipeline",
                got=f'"{stem[:64]}"',
                expected="`name`",
                hint=NAME.wanted,
            )
    return build_pipeline(values, stem, scripts, device, report)


def _read(folder: Path, file: str, section: Section, report: Report) -> Values | None:
    text = _text(folder / file, report)
    if text is None:
        return None
    tree = read_tree(text, report)
    return None if tree is None else section.read(tree, report)


def _text(path: Path, report: Report) -> str | None:
    """The text of one file, bounded; a link to a regular file is fine, a device or a pipe is not."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        hint = "an empty agent.yaml is enough to begin with" if isinstance(error, FileNotFoundError) else ""
        report.add(
            START, "config.unreadable", f"the file cannot be read: {os.strerror(error.errno or 0)}", hint=hint
        )
        return None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        report.add(START, "config.unreadable", "this is no regular file")
        return None
    with os.fdopen(fd, "rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        report.add(
            START,
            "config.limit",
            "the file is too large",
            got=f"more than {MAX_FILE_BYTES} bytes",
            expected=f"at most {MAX_FILE_BYTES}",
        )
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        report.add(
            Mark(line, column),
            "config.encoding",
            "the file is not UTF-8",
            got=f"byte 0x{data[error.start]:02x}",
            expected="UTF-8",
            hint="save the file as UTF-8",
        )
        return None


def _pipeline_files(folder: Path, report: Report) -> list[str]:
    try:
        names = sorted(name for name in os.listdir(folder / "pipelines") if not name.startswith("."))
    except FileNotFoundError:
        names = []
    except OSError as error:
        report.add(
            START,
            "config.unreadable",
            f"the folder pipelines/ cannot be read: {os.strerror(error.errno or 0)}",
        )
        return []
    files = [name for name in names if name.endswith(SUFFIXES)]
    if len(files) > MAX_PIPELINES:
        report.add(
            START,
            "config.limit",
            "too many files in pipelines/",
            got=str(len(files)),
            expected=f"at most {MAX_PIPELINES}",
        )
        files = files[:MAX_PIPELINES]
    if not files:
        report.add(
            START,
            "config.no_pipelines",
            "there is no pipeline",
            expected="at least one file pipelines/<name>.yaml",
            severity="warning",
        )
    return files
