"""HTTP/2 by ALPN, with a server that speaks it: HTTPTransport takes it where it is offered, on one connection."""

import asyncio
import datetime
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypercorn.asyncio import serve
from hypercorn.config import Config


async def application(scope, receive, send):
    """Says which version was spoken, and from which port."""
    if scope["type"] != "http":
        return
    body = f"{scope['http_version']} {scope['client'][1]}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost that is its own authority."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256()))
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return folder


@pytest.fixture(params=[["h2", "http/1.1"], ["http/1.1"]], ids=["offered", "not-offered"])
def server(request, certificate):
    """The server's port, and what it offers."""
    config = Config()
    config.bind, config.alpn_protocols = ["127.0.0.1:0"], request.param
    config.certfile, config.keyfile = str(certificate / "cert.pem"), str(certificate / "key.pem")
    loop, stop, bound = asyncio.new_event_loop(), None, threading.Event()
    sockets = config.create_sockets()
    port = sockets.secure_sockets[0].getsockname()[1]
    config.create_sockets = lambda: sockets

    def run():
        nonlocal stop
        asyncio.set_event_loop(loop)
        stop = asyncio.Event()
        loop.call_soon(bound.set)
        loop.run_until_complete(serve(application, config, shutdown_trigger=stop.wait))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert bound.wait(30)
    yield port, request.param
    loop.call_soon_threadsafe(stop.set)
    thread.join(30)


def test_http2_is_spoken_where_it_is_offered(server, probe, certificate):
    port, offered = server
    [answers] = probe("get", f"https://localhost:{port}/", 50, certificate / "cert.pem")
    versions = {answer["body"].split()[0] for answer in answers}
    connections = {answer["body"].split()[1] for answer in answers}
    assert len(answers) == 50 and {answer["status"] for answer in answers} == {200}
    if "h2" in offered:
        # Fifty exchanges at once are streams of one connection.
        assert versions == {"2"} and len(connections) == 1
    else:
        assert versions == {"1.1"} and len(connections) > 1
