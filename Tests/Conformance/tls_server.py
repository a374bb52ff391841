"""An HTTPS server that speaks HTTP/1.1 and HTTP/2, in this process, with a certificate made for the occasion."""

import asyncio
import datetime
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypercorn.asyncio import serve
from hypercorn.config import Config


def make_certificate(folder):
    """`cert.pem` and `key.pem` for localhost; the certificate is its own authority."""
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


class TLSServer:
    """Started by `with`. Answers with what `answer(scope)` gives; counts the requests."""

    def __init__(self, certificate, answer, alpn=("h2", "http/1.1")):
        self.requests, self.answer = 0, answer
        self.config = Config()
        self.config.bind, self.config.alpn_protocols = ["127.0.0.1:0"], list(alpn)
        self.config.certfile, self.config.keyfile = str(certificate / "cert.pem"), str(certificate / "key.pem")
        sockets = self.config.create_sockets()
        self.config.create_sockets = lambda: sockets
        self.url = f"https://localhost:{sockets.secure_sockets[0].getsockname()[1]}"

    async def application(self, scope, receive, send):
        if scope["type"] != "http":
            return
        self.requests += 1
        body = self.answer(scope).encode()
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})

    def __enter__(self):
        begun = threading.Event()
        self.loop = asyncio.new_event_loop()

        def run():
            asyncio.set_event_loop(self.loop)
            self.stop = asyncio.Event()
            self.loop.call_soon(begun.set)
            self.loop.run_until_complete(serve(self.application, self.config, shutdown_trigger=self.stop.wait))

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        assert begun.wait(30)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(30)
