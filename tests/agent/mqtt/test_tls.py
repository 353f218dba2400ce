"""The session over TLS: a real handshake with a certificate made for the test."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
import trio
from tests.fakes.brokers import mini_broker
from tests.fakes.links import FAST, running
from tests.fakes.trio_run import in_trio, until

from alloy_agent.mqtt.link import LinkOptions
from alloy_agent.mqtt.session import MqttSession

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="no openssl binary to make a certificate with")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Self-signed, for localhost."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    assert OPENSSL is not None
    what = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([OPENSSL, *what.split(), *names], check=True, capture_output=True)
    return cert, key


async def tls_front(
    target: int,
    certificate: tuple[Path, Path],
    *,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Ends TLS in front of the broker."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    async def pump(
        source: trio.abc.ReceiveStream, sink: trio.abc.SendStream, scope: trio.CancelScope
    ) -> None:
        try:
            while data := await source.receive_some(65536):
                await sink.send_all(data)
        except trio.BrokenResourceError:
            pass
        scope.cancel()

    async def serve(stream: trio.SocketStream) -> None:
        near = trio.SSLStream(stream, context, server_side=True)
        far = await trio.open_tcp_stream("127.0.0.1", target)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pump, near, far, nursery.cancel_scope)
                nursery.start_soon(pump, far, near, nursery.cancel_scope)
        finally:
            await trio.aclose_forcefully(far)
            await trio.aclose_forcefully(near)

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    task_status.started(listeners[0].socket.getsockname()[1])
    await trio.serve_listeners(serve, listeners)


@in_trio
async def test_messages_pass_when_the_certificate_is_trusted(certificate: tuple[Path, Path]) -> None:
    async with mini_broker() as broker, trio.open_nursery() as nursery:
        port = await nursery.start(tls_front, broker.direct, certificate)
        options = LinkOptions("localhost", port, "device", tls=True, ca_file=str(certificate[0]), **FAST)  # type: ignore[arg-type]
        async with running(MqttSession(options)) as link:
            subscription = await link.subscribe("t")
            await link.publish("t", bytes(300_000))

            assert len((await anext(subscription)).payload) == 300_000
        nursery.cancel_scope.cancel()


@in_trio
async def test_link_refuses_when_the_certificate_is_not_trusted(certificate: tuple[Path, Path]) -> None:
    async with mini_broker() as broker, trio.open_nursery() as nursery:
        port = await nursery.start(tls_front, broker.direct, certificate)
        link = MqttSession(LinkOptions("localhost", port, "device", tls=True, **FAST))  # type: ignore[arg-type]
        nursery.start_soon(link.run)
        await until(lambda: link.stats.last_error != "")

        assert "[mqtt.tls]" in link.stats.last_error
        assert link.stats.connects == 0
        nursery.cancel_scope.cancel()
