"""From the values of `agent.yaml` to `model.Agent`: defaults, and what several keys say together."""

from __future__ import annotations

from typing import Any

from .model import Agent, Canary, Capabilities, Modules, Mqtt, Promotion, Sandbox, Secret, Spool, Workers
from .report import Report
from .shapes import Values

_TLS_PORT = 8883  # IANA: secure-mqtt


def chosen(values: Values | None, **names: str) -> dict[str, Any]:
    """Keyword arguments for a struct: `field="key"` for every key that is there."""
    return {field: values[key] for field, key in names.items() if values is not None and key in values}


def build_agent(values: Values, report: Report) -> Agent:
    """Make the device section; only meaningful when the report has no error."""
    mqtt = _mqtt(values["mqtt"], report) if "mqtt" in values else None
    facts: dict[str, Any] = chosen(
        values, fleet="fleet", device="device", state_dir="state_dir", run_dir="run_dir",
        status_interval_s="status_interval", log_level="log_level",
    )  # fmt: skip
    return Agent(
        mqtt=mqtt,
        workers=_workers(values.get("workers")),
        sandbox=_sandbox(values.get("sandbox")),
        modules=Modules(**chosen(values.get("modules"), trust="trust")),
        promotion=_promotion(values.get("promotion")),
        spool=_spool(values.get("spool")),
        **facts,
    )


def _mqtt(values: Values, report: Report) -> Mqtt:
    facts = chosen(
        values, host="host", port="port", version="version", client_id="client_id", username="username",
        tls="tls", ca_file="ca_file", inflight_maximum="inflight",
    )  # fmt: skip
    if values.get("tls"):
        facts.setdefault("port", _TLS_PORT)
    elif "ca_file" in values:
        report.add(
            values.keys_at["ca_file"],
            "config.exclusive",
            "`ca_file` has no use without `tls`",
            expected="`tls: true` beside it",
        )
    if "keepalive" in values:
        facts["keepalive_s"] = round(values["keepalive"])
    if "session_expiry" in values:
        facts["session_expiry_s"] = round(values["session_expiry"])
    if "password" in values:
        facts["password"] = Secret(
            **chosen(values["password"], credential="credential", file="file", env="env")
        )
        if "username" not in values.nodes and values.get("version", "5") != "5":
            # MQTT 3.1.1 section 3.1.2.9: no password without a user name; MQTT 5 allows it
            report.add(
                values.keys_at["password"],
                "config.missing_key",
                "a password needs a `username` in MQTT 3.1.1",
                expected="`username`",
            )
    return Mqtt(**facts)


def _workers(values: Values | None) -> Workers:
    facts = chosen(values, max="max", idle_stop_s="idle_stop")
    if values is not None:
        facts |= {f"{key}_ms": round(values[key] * 1000) for key in ("wall", "first_wall") if key in values}
        if "memory" in values:
            facts["memory_mb"] = -(-int(values["memory"]) // (1 << 20))
    return Workers(**facts)


def _sandbox(values: Values | None) -> Sandbox:
    facts = chosen(values, allow_degraded="allow_degraded")
    if values is not None and "modules" in values:
        facts["modules"] = tuple(sorted({name for name, _ in values["modules"]}))
    if values is not None and "capabilities" in values:
        facts["capabilities"] = _capabilities(values["capabilities"])
    return Sandbox(**facts)


def _capabilities(values: Values) -> Capabilities:
    facts = chosen(values, rows="rows", log="log", state="state", array="array")
    if "memory" in values:
        facts["memory_mb"] = int(values["memory"]) // (1 << 20)
    if "wall" in values:
        facts["wall_ms"] = round(values["wall"] * 1000)
    return Capabilities(**facts)


def _promotion(values: Values | None) -> Promotion:
    facts = chosen(
        values, policy="policy", share="share", over_s="over", decline_limit="decline_limit", build="build"
    )
    if values is not None and "decline_window" in values:
        facts["decline_window"] = round(values["decline_window"])
    if values is not None and "canary" in values:
        facts["canary"] = Canary(**chosen(values["canary"], every="every", for_s="for"))
    return Promotion(**facts)


def _spool(values: Values | None) -> Spool:
    sizes = chosen(values, window_bytes="window", dead_letter_bytes="dead_letters")
    return Spool(**{field: int(value) for field, value in sizes.items()})
