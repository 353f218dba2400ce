"""The keys of `agent.yaml`: one table, from which the check, the reference and the JSON Schema come."""

from __future__ import annotations

from .choices import Listed
from .kinds import Bool, Choice, Integer, Text
from .measures import count, duration, share, size
from .names import ABSOLUTE, HOST, NAME
from .shapes import Hidden, Key, Section

_SECRET = Hidden(
    Section(
        "a secret",
        {
            "credential": Key(
                Text(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "the name of a credential"),
                "name under systemd's LoadCredential=",
            ),
            "file": Key(ABSOLUTE, "file that only the daemon's user may read"),
            "env": Key(
                Text(r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable"), "environment variable"
            ),
        },
        one_of=("credential", "file", "env"),
    )
)

_MQTT = Section(
    "mqtt",
    {
        "host": Key(HOST, "broker", "127.0.0.1"),
        "port": Key(Integer(1, 65_535), "TCP port", "1883, with `tls` 8883"),
        "version": Key(Choice(("5", "3.1.1")), "protocol; 3.1.1 needs the extra `alloy-edge[mqtt311]`", "5"),
        "client_id": Key(
            Text(r"[!-~]+", "printable ASCII without spaces", 128), "MQTT client id", "alloy-<fleet>-<device>"
        ),
        "username": Key(Text(), "user name"),
        "password": Key(_SECRET, "where the password is kept"),
        "tls": Key(Bool(), "encrypt and verify the broker", "false"),
        "ca_file": Key(ABSOLUTE, "certificate authority of the broker", "those of the system"),
        "keepalive": Key(duration(5, 3600), "longest silence before a ping", "30s"),
        "session_expiry": Key(duration(0, 30 * 86_400, "1d"), "how long the broker keeps the session", "1d"),
        "inflight": Key(Integer(1, 4096), "messages sent and not yet acknowledged", "256"),
    },
)

_WORKERS = Section(
    "workers",
    {
        "max": Key(Integer(1, 64), "jailed processes, one for each stage", "16"),
        "wall": Key(
            duration(0.01, 60, "250ms"), "longest time for one batch; then the worker is killed", "250ms"
        ),
        "first_wall": Key(duration(0.05, 60, "1s"), "the same for the first batch of a fresh worker", "1s"),
        "memory": Key(size(8 << 20, 1 << 30, "32MiB"), "memory of one worker", "32MiB"),
        "idle_stop": Key(
            duration(1, 86_400, "60s"),
            "an idle worker ends after this, its state kept; it comes back with the next record",
            "60s",
        ),
    },
)

_CAPABILITIES = Section(
    "capabilities",
    {
        "memory": Key(size(8 << 20, 1 << 30, "256MiB"), "largest `memory_mb`", "256MiB"),
        "wall": Key(duration(0.01, 60, "10s"), "largest `wall_ms`", "10s"),
        "rows": Key(Integer(1, 64), "largest MAX_ROWS", "64"),
        "log": Key(Bool(), "`print` into the log of the daemon", "true"),
        "state": Key(Bool(), "STATE", "true"),
        "array": Key(Bool(), "element-wise transforms of arrays", "true"),
    },
)

_SANDBOX = Section(
    "sandbox",
    {
        "allow_degraded": Key(Bool(), "run untrusted transforms on a host without seccomp", "false"),
        "modules": Key(
            Listed("modules", Text(r"[A-Za-z_][A-Za-z0-9_.]*", "the name of a module"), 32),
            "further standard modules a `gateway` transform may import",
            "none",
        ),
        "capabilities": Key(_CAPABILITIES, "the most that a transform may declare in NEEDS"),
    },
)

_SPOOL = Section(
    "spool",
    {
        "window": Key(size(64 << 10, 256 << 20, "8MiB"), "blocks kept until acknowledged", "8MiB"),
        "dead_letters": Key(
            size(64 << 10, 1 << 30, "16MiB"), "dead letters kept, for each pipeline", "16MiB"
        ),
    },
    later={
        "mode": "blocks are kept in memory until acknowledged; the durable spool comes in a later version",
        "lanes": "there is one lane; lanes come with the durable spool",
    },
)

_MODULES = Section(
    "modules",
    {
        "trust": Key(
            Choice(("signed", "local")),
            "whose native modules may run: those a signed update brought (there are none before updates exist), "
            "or those that `alloy-edge build` made on this host",
            "signed",
        ),
    },
)

_CANARY = Section(
    "canary",
    {
        "every": Key(Integer(1, 1_000_000), "one batch of so many is run in both tiers and compared", "100"),
        "for": Key(duration(0, 30 * 86_400, "1h"), "so long after a promotion, in running time", "1h"),
    },
)

_PROMOTION = Section(
    "promotion",
    {
        "policy": Key(
            Choice(("manual", "propose", "auto")),
            "what happens when a transform is hot: nothing; an event; the event, and its native module takes over",
            "propose",
        ),
        "share": Key(share(0.001, 1.0), "of one core: a transform that takes more is hot", "5%"),
        "over": Key(duration(1, 86_400, "10min"), "the time over which that share is taken", "10min"),
        "decline_limit": Key(
            share(0.001, 1.0), "a module that leaves a larger share of its records to Python is demoted", "5%"
        ),
        "decline_window": Key(
            count(100, 100_000, "records"), "the records over which that share is taken", "1000 records"
        ),
        "canary": Key(_CANARY, "comparison of both tiers on live batches"),
        "build": Key(
            Choice(("off", "local")),
            "whether this host builds the native module of a hot transform itself; needs cargo, "
            "runs with the lowest priority",
            "off",
        ),
    },
)

AGENT = Section(
    "agent.yaml",
    {
        "fleet": Key(NAME, "second level of every topic", "default"),
        "device": Key(NAME, "third level of every topic", "host name"),
        "state_dir": Key(ABSOLUTE, "what survives a restart", "/var/lib/alloy-edge"),
        "run_dir": Key(ABSOLUTE, "control socket", "/run/alloy-edge"),
        "mqtt": Key(_MQTT, "broker of the device", "no broker"),
        "workers": Key(_WORKERS, "limits of the jailed processes"),
        "sandbox": Key(_SANDBOX, "device policy for transforms"),
        "modules": Key(_MODULES, "native modules"),
        "promotion": Key(_PROMOTION, "when a transform goes from the sandbox to its native module and back"),
        "spool": Key(_SPOOL, "bounds of what is kept"),
        "status_interval": Key(duration(1, 3600), "how often status is published", "30s"),
        "log_level": Key(
            Choice(("debug", "info", "warning", "error")), "least severe line that is logged", "info"
        ),
    },
    later={
        "ota": "signed updates come in a later version; nothing is accepted over the air today",
        "updates": "signed updates come in a later version; nothing is accepted over the air today",
        "secrets": "say at the key itself where its secret is kept: password: {credential: mqtt-password}",
    },
)
