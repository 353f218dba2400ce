"""Resolves a secret at the moment of its use: a systemd credential, a file, an environment variable.

The value is returned and kept nowhere here; no message, log line or repr ever carries it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from alloy_agent.config.model import Secret
from alloy_agent.errors import ConfigError

MAX_SECRET_BYTES = 4096
_SHARED_BITS = stat.S_IRWXG | stat.S_IRWXO


def resolve(secret: Secret, environ: Mapping[str, str] = os.environ) -> bytes:
    """The bytes of a secret, without the line end a file may have.

    Raises:
        ConfigError: `secret.missing`, it is not there; `secret.permissions`, others may read or change its
            file; `secret.value`, it is empty, too long, or has several lines.
    """
    if secret.credential:
        return _checked(_credential(secret.credential, environ), f"credential {secret.credential}")
    if secret.file:
        return _checked(_file(Path(secret.file), private=True), secret.file)
    value = environ.get(secret.env)
    if value is None:
        raise ConfigError(
            "secret.missing",
            "the environment variable is not set",
            where=secret.env,
            hint="set it in the unit with EnvironmentFile=, or use {credential: …}",
        )
    return _checked(os.fsencode(value), secret.env)


def _credential(name: str, environ: Mapping[str, str]) -> bytes:
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    hint = f"add LoadCredential={name}:/path to the unit"
    if not folder:
        raise ConfigError(
            "secret.missing",
            "systemd gave this process no credentials",
            where=f"credential {name}",
            hint=hint,
        )
    if not name or "/" in name or name in (".", ".."):
        raise ConfigError(
            "secret.missing", "this is no name of a credential", where=f"credential {name}", hint=hint
        )
    # systemd guards the folder (mode 0500, own mount); under a user manager its files are the user's own
    return _file(Path(folder) / name, private=False, hint=hint)


def _file(path: Path, *, private: bool, hint: str = "") -> bytes:
    """Read one small regular file, checked on the descriptor that is read, not on the name."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        code = "secret.permissions" if isinstance(error, PermissionError) else "secret.missing"
        raise ConfigError(
            code, f"the secret cannot be read: {os.strerror(error.errno or 0)}", where=str(path), hint=hint
        ) from error
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            raise ConfigError("secret.permissions", "the secret is no regular file", where=str(path))
        if private and facts.st_mode & _SHARED_BITS:
            raise ConfigError(
                "secret.permissions",
                "others may read or change the secret",
                where=str(path),
                got=f"mode {stat.S_IMODE(facts.st_mode):04o}",
                expected="mode 0600 or 0400",
                hint=f"chmod 600 {path}",
            )
        if private and facts.st_uid not in (0, os.geteuid()):
            raise ConfigError(
                "secret.permissions",
                "the secret belongs to another user",
                where=str(path),
                got=f"user {facts.st_uid}",
                expected=f"user {os.geteuid()} or 0",
            )
        return _read(fd)
    finally:
        os.close(fd)


def _read(fd: int) -> bytes:
    data = b""
    while len(data) <= MAX_SECRET_BYTES:
        piece = os.read(fd, MAX_SECRET_BYTES + 1 - len(data))
        if not piece:
            break
        data += piece
    return data


def _checked(value: bytes, where: str) -> bytes:
    if len(value) > MAX_SECRET_BYTES:
        raise ConfigError(
            "secret.value",
            "the secret is too long",
            where=where,
            expected=f"at most {MAX_SECRET_BYTES} bytes",
        )
    value = value.removesuffix(b"\n").removesuffix(b"\r")
    if not value:
        raise ConfigError("secret.value", "the secret is empty", where=where)
    if b"\n" in value or b"\0" in value:
        raise ConfigError("secret.value", "the secret has several lines", where=where, expected="one line")
    return value
