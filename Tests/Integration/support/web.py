"""Small HTTP client over the standard library; answers of every status are values."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass

# Proxies of the machine have no say in what goes to 127.0.0.1.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Answer:
    status: int
    headers: object
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


def request(method, url, body=None, headers=None, limit=30):
    data = body
    headers = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        data = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    asked = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with _opener.open(asked, timeout=limit) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def get(url, **options):
    return request("GET", url, **options)


def post(url, body, **options):
    return request("POST", url, body, **options)


def answers(url):
    """Whether somebody answers there with success."""
    try:
        return get(url, limit=5).status == 200
    except OSError:
        return False
