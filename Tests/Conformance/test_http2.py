"""HTTP/2 by ALPN: HTTPTransport takes it where a server offers it, and fifty exchanges share one connection."""

import pytest

from tls_server import TLSServer


@pytest.mark.parametrize("offered", [("h2", "http/1.1"), ("http/1.1",)], ids=["offered", "not-offered"])
def test_http2_is_spoken_where_it_is_offered(offered, probe, certificate):
    with TLSServer(certificate, lambda scope: f"{scope['http_version']} {scope['client'][1]}", offered) as server:
        [answers] = probe("get", f"{server.url}/", 50, certificate / "cert.pem")
    versions = {answer["body"].split()[0] for answer in answers}
    connections = {answer["body"].split()[1] for answer in answers}
    assert len(answers) == 50 and {answer["status"] for answer in answers} == {200}
    if "h2" in offered:
        assert versions == {"2"} and len(connections) == 1
    else:
        assert versions == {"1.1"} and len(connections) > 1
