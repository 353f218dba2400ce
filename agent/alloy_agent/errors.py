"""Errors of this package and the registry of their codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .native import CodedError

if TYPE_CHECKING:
    from alloy_transforms.sandbox.answers import Problem


class AgentError(CodedError):
    """Root of every error this package raises on purpose."""


class LinkError(AgentError):
    """The broker connection: the world (retryable), a lying peer, or a wrong option (`mqtt.*`)."""


class BrokerError(AgentError):
    """The demo broker (`broker.*`)."""


class ConfigError(AgentError):
    """The configuration as a whole cannot be had (`config.*`, `secret.*`)."""


class WorkerError(AgentError):
    """Root of what can go wrong with jailed processes."""


class ZygoteDiedError(WorkerError):
    """The zygote is not running; start it again (retryable)."""


class SpawnError(WorkerError):
    """The zygote would not fork."""


class WorkerDiedError(WorkerError):
    """A worker ended before it answered; `code` says why (`script.*`, `violation.*`, `worker.*`)."""


class TransformRefusedError(WorkerError):
    """A transform's file cannot be used; `problems` holds every fault found, each with its line."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        first = problems[0]
        rest = "".join("\n" + p.render(file) for p in problems[1:])
        what = first.what + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else "")
        place = f"{file}:{first.line}" if first.line else file
        super().__init__(
            first.code, what, where=place, got=first.got, expected=first.expected, hint=first.hint
        )
        self.file = file
        self.problems = tuple(problems)
        self.all = first.render(file) + rest


class ModuleRefusedError(WorkerError):
    """A native module cannot be used (`load.*`); the transform's file is not at fault. Never retryable."""


class ForbiddenError(WorkerError):
    """The device's policy does not allow what a transform declares (`transform.forbidden`)."""


class TransformDisabledError(WorkerError):
    """A transform is out of use until somebody acts (`transform.*`); never retryable."""


class BuildError(AgentError):
    """A transform cannot be built as a native module (`build.*`)."""


class ToolchainError(AgentError):
    """What a build host must have is not there (`toolchain.*`)."""


CODES: dict[str, str] = {
    "build.name": "the file's name cannot be that of a module",
    "build.output": "the built module cannot be written where it belongs",
    "build.rustc": "the compiler or the packer failed over a checked transform",
    "toolchain.cargo": "cargo is not installed on this host",
    "toolchain.fetch": "cargo could not have the one package that the build names",
    "toolchain.linker": "there is no linker for the target",
    "toolchain.maturin": "maturin is not installed on this host",
    "toolchain.rustc": "no Rust compiler of this host can compile for the target",
    "mqtt.option": "a link option is out of range",
    "mqtt.topic": "a topic or topic filter breaks the rules of MQTT",
    "mqtt.unreachable": "the broker could not be reached in time",
    "mqtt.tls": "the TLS handshake with the broker failed",
    "mqtt.refused": "the broker refused the connection (CONNACK)",
    "mqtt.version": "the broker does not speak this version of MQTT",
    "mqtt.lost": "the connection to the broker was lost",
    "mqtt.disconnected": "the broker ended the connection (DISCONNECT)",
    "mqtt.keepalive": "the broker answered no ping in time",
    "mqtt.ack_timeout": "the broker did not acknowledge a publish in time",
    "mqtt.malformed": "the peer sent bytes that are no MQTT packet",
    "mqtt.protocol": "the peer broke a rule of MQTT",
    "mqtt.packet_too_large": "a packet is larger than the receiver accepts",
    "mqtt.inbound_bytes": "unacknowledged inbound messages took more memory than allowed",
    "mqtt.subscribe_refused": "the broker refused a subscription",
    "mqtt.unsupported": "this client or broker cannot do what was asked",
    "mqtt.closed": "the link has ended",
    "mqtt.missing_extra": "the MQTT 3.1.1 adapter needs packages that are not installed",
    "broker.address": "the demo broker listens on loopback only",
    "broker.listen": "the demo broker could not open its port",
    "broker.option": "a broker option is out of range",
    "config.ambiguous": "a plain word that other YAML readers take for a number or a truth value",
    "config.compiler": "the compiler process failed, ran too long, or wrote what is no document",
    "config.contract": "the fields of a transform do not fit what comes before it",
    "config.duplicate_key": "a key is given twice in one section",
    "config.duplicate_name": "two pipelines have one name, or two sinks one place",
    "config.encoding": "the file is not UTF-8",
    "config.exclusive": "keys that exclude each other stand together",
    "config.limit": "the file, a list, a text or a transform is larger than its limit",
    "config.missing_key": "a key that is needed is not there",
    "config.needs_broker": "a pipeline uses MQTT and `agent.yaml` names no broker",
    "config.no_pipelines": "the folder holds no pipeline (a warning)",
    "config.not_yet": "a key of a coming version; the hint says what is true today",
    "config.optional_field": "a transform takes a field that the one before may leave out (a warning)",
    "config.secret_inline": "a secret is written in the file; it is named by credential, file or environment",
    "config.too_many_workers": "the pipelines need more workers than `workers.max`",
    "config.topic": "an MQTT topic filter is malformed, or matches what the device itself publishes",
    "config.transform_path": "a transform's path leads out of transforms/, or is no readable Python file",
    "config.type": "a value is of another kind than its key wants, or missing",
    "config.unknown_field": "`expect`, `route` or `params` names a field that no transform gives",
    "config.unknown_key": "a key that is not known in its section",
    "config.unknown_transform": "neither a shipped transform nor a file below transforms/",
    "config.unreadable": "a file or folder cannot be opened",
    "config.value": "a value is of the right kind and outside what is accepted",
    "config.yaml": "the file is not valid YAML",
    "config.yaml_feature": "a part of YAML that is not accepted: tags, several documents, recursive aliases",
    "secret.missing": "the credential, file or variable that holds a secret is not there",
    "secret.permissions": "the file of a secret may be read or changed by others, or is no regular file",
    "secret.value": "a secret is empty, too long, or spans several lines",
    "worker.zygote": "the process that forks workers did not start or has died",
    "worker.spawn": "the zygote refused to fork a worker",
    "worker.setup": "a worker could not import its modules or apply its jail; nothing untrusted ran",
    "worker.unsealed": "the kernel says that a worker runs without its jail; it was killed before its first use",
    "worker.closed": "the worker was ended by its owner",
    "worker.limit": "`workers.max` workers are in use",
    "transform.ambiguous": "several pipelines have a transform of that name",
    "transform.contract": "a version of a transform declares other fields than the one it is to replace",
    "transform.disabled": "the transform failed too often or was disabled by an operator; it is out of use",
    "transform.forbidden": "a transform needs what the policy of the device does not allow; nothing of it ran",
    "transform.unknown": "no running pipeline has a transform of that name",
    "transform.quarantined": "a worker of this transform broke out of its rules; the transform is out of use",
    "control.bad_request": "a request is too large or cannot be read",
    "control.bind": "the control socket cannot be created",
    "control.failed": "a verb failed for a reason of the daemon's own; its log says more",
    "control.forbidden": "this user may not control the daemon",
    "control.retained": "a request was published with the retain flag",
    "control.unknown_verb": "the daemon knows no such verb, or not over MQTT",
    "control.unreachable": "no daemon answers on the control socket",
    "demo.child": "a process of the demo did not come up",
    "daemon.folder": "the state or run folder cannot be made or written",
    "daemon.running": "another daemon uses the state folder",
    "pipeline.given_up": "a pipeline failed over one batch again and again; its inputs are dead letters",
    "pipeline.no_input": "a file lacks what an element-wise transform takes, or has a variable of the name it makes",
    "pipeline.no_field": "a stage or route names a field that no stage before it delivers",
    "pipeline.no_route": "a row has a value for which there is no case",
    "promotion.declines": "a native module left too many records to Python; the transform is in the sandbox again",
    "promotion.file": "a file is no native module and no wheel that holds one",
    "promotion.no_candidate": "the store has no trusted native module made of what runs now",
    "promotion.not_native": "a transform that is to be demoted runs in the sandbox already",
    "promotion.not_portable": "a transform has no native form",
    "promotion.quarantined": "a native module is in quarantine on this device",
    "promotion.time": "the comparison of the tiers took too long",
    "sink.no_consumer": "the broker has no subscriber for the topic of a sink that requires one",
    "sink.refused": "the broker refused a message of a sink",
    "sink.write": "a sink's file cannot be written",
    "store.write": "dead letters could not be written",
}
"""code -> meaning; codes are never reused. `docs/errors.md` is generated from this."""
