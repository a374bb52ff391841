#!/usr/bin/env python3
"""Signatures by botocore for generated requests, one JSON object a line.

    signing.py --seed 1 --count 600 > ../Vectors/signing.jsonl

The same seed gives the same lines. `headers` are what the caller set; `signed` is what botocore made of them.
"""
import argparse
import base64
import datetime
import hashlib
import hmac
import json
import random
import sys
from email.utils import formatdate
from unittest import mock
from urllib.parse import quote, urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
ODD = "-_.~!*'();:@&=+$,/?#[]%\"<>\\^`{|} äöü日本語🎨\u00e9e\u0301"


def text(rng, low, high, odd=0.2):
    return "".join(rng.choice(ODD if rng.random() < odd else ALPHABET) for _ in range(rng.randint(low, high)))


def path(rng, s3):
    segments = []
    for _ in range(rng.randint(0, 4)):
        segments.append(rng.choice([text(rng, 1, 12), text(rng, 1, 12, 0), ".", "..", ""]) if rng.random() < 0.5 else text(rng, 1, 8, 0))
    raw = "/" + "/".join(segments) + ("/" if rng.random() < 0.2 else "")
    return quote(raw, safe="/-_.~")


def query(rng):
    pairs = []
    for _ in range(rng.choice([0, 0, 0, 1, 2, 4, 8])):
        name = quote(text(rng, 1, 8), safe="-_.~")
        pairs.append(name if rng.random() < 0.1 else f"{name}={quote(text(rng, 0, 10), safe='-_.~')}")
    if pairs and rng.random() < 0.2:
        pairs.append(pairs[0].partition("=")[0] + "=" + text(rng, 0, 3, 0))
    return "&".join(pairs)


def value(rng):
    v = text(rng, 1, 20, 0)
    if rng.random() < 0.3:
        v = v[: len(v) // 2] + " " * rng.randint(1, 3) + rng.choice(["", "\t"]) + v[len(v) // 2:]
    return v.strip()


def headers(rng):
    found = []
    for _ in range(rng.choice([0, 1, 2, 5])):
        found.append([rng.choice(["X-Amz-Meta-", "x-amz-", "X-Custom-", "A"]) + text(rng, 1, 6, 0), value(rng)])
    for name, v in [("User-Agent", "test/1"), ("Expect", "100-continue"), ("X-Amzn-Trace-Id", "Root=1-2-3"),
                    ("Content-Type", "application/x-amz-json-1.1"), ("Date", "x"), ("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
                    ("Transfer-Encoding", "chunked"), ("If-None-Match", "*")]:
        if rng.random() < 0.15:
            found.append([name, v])
    if found and rng.random() < 0.2:
        name = found[0][0]
        if name.lower() not in ("date", "content-type"):
            found.append([name.upper(), value(rng)])
    return found


HOSTS = ["sqs.eu-central-1.amazonaws.com", "S3.Amazonaws.com", "bucket.s3.us-east-1.amazonaws.com", "localhost:4566",
         "127.0.0.1:9000", "example.com:443", "example.com:80", "[::1]:8000", "sns.cn-north-1.amazonaws.com.cn"]


def case(rng):
    s3 = rng.random() < 0.5
    service = "s3" if s3 else rng.choice(["sqs", "sns", "sts", "ec2", "ssm", "cloudformation", "ecr", "eks", "xray"])
    region = rng.choice(["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "ap-southeast-7"])
    body = rng.choice([b"", b"", b"Action=ListQueues&Version=2012-11-05", rng.randbytes(rng.randint(1, 60))])
    when = datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=rng.randint(0, 4_000_000_000))
    key, secret = "AKID" + text(rng, 16, 16, 0).upper(), text(rng, 40, 40, 0.05).encode("ascii", "replace").decode()
    token = text(rng, 20, 80, 0) + "+/==" if rng.random() < 0.4 else None
    url = f"{rng.choice(['https', 'http'])}://{rng.choice(HOSTS)}{path(rng, s3)}"
    q = query(rng)
    if q:
        url += "?" + q
    method = rng.choice(["GET", "PUT", "POST", "HEAD", "DELETE"])
    payload = rng.choice(["sha256", "sha256", "unsigned", "unsigned-trailer"]) if s3 else rng.choice(["sha256"] * 5 + ["unsigned"])
    expires = rng.choice([None, None, 1, 60, 3600, 604800])
    given = headers(rng)
    if expires is not None:
        given = [h for h in given if h[0].lower() != "date"]
        # botocore reads the query's pairs into a dictionary and back: repeated and odd ones do not survive that.
        url = url.partition("?")[0]
        pairs = {text(rng, 1, 6, 0): text(rng, 0, 8) for _ in range(rng.choice([0, 0, 1, 3]))}
        if pairs:
            url += "?" + "&".join(f"{k}={quote(v, safe='-_.~')}" for k, v in pairs.items())
    request = AWSRequest(method=method, url=url, data=body)
    for name, v in given:
        request.headers.add_header(name, v)
    credentials = Credentials(key, secret, token)
    context = request.context
    if payload == "unsigned":
        context["payload_signing_enabled"] = False
    if payload == "unsigned-trailer":
        context["checksum"] = {"request_algorithm": {"in": "trailer"}}
    names = {(True, False): "S3SigV4Auth", (False, False): "SigV4Auth", (True, True): "S3SigV4QueryAuth", (False, True): "SigV4QueryAuth"}
    if expires is None:
        auth = getattr(botocore.auth, names[s3, False])(credentials, service, region)
        if s3:
            auth._should_sha256_sign_payload = lambda _: payload == "sha256"
        else:
            auth._should_sha256_sign_payload = lambda _: payload == "sha256"
    else:
        payload = "default"
        request.data = body = b""
        context.pop("payload_signing_enabled", None)
        context.pop("checksum", None)
        auth = getattr(botocore.auth, names[s3, True])(credentials, service, region, expires=expires)
    seen = {}
    original = auth.string_to_sign

    def spy(req, canonical):
        seen["canonical"] = canonical
        seen["sts"] = original(req, canonical)
        return seen["sts"]

    auth.string_to_sign = spy
    # botocore writes `-0000` in a Date field; HTTP says GMT, and so do we.
    http_date = lambda seconds: formatdate(seconds, usegmt=True)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=when), mock.patch.object(
        botocore.auth, "formatdate", http_date
    ):
        auth.add_auth(request)
    split = urlsplit(url)
    target = url[len(split.scheme) + 3 + len(split.netloc):]
    result = {
        "service": service, "region": region, "key": key, "secret": secret, "token": token, "payload": payload,
        "time": int(when.replace(tzinfo=datetime.timezone.utc).timestamp()), "method": method, "scheme": split.scheme,
        "authority": split.netloc, "path": target, "headers": given, "body": base64.b64encode(body).decode(),
        "expires": expires, "canonical": seen["canonical"], "stringToSign": seen["sts"],
    }
    if expires is None:
        result["signed"] = sorted([k.lower(), v] for k, v in request.headers.items())
    else:
        result["url"] = request.url
    return result


def chunks(rng):
    """S3's signed chunks, which botocore does not make: written here after the S3 API reference."""
    when = datetime.datetime(2013, 5, 24) + datetime.timedelta(seconds=rng.randint(0, 400_000_000))
    stamp, secret, region = when.strftime("%Y%m%dT%H%M%SZ"), text(rng, 40, 40, 0), "us-east-1"
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    sign = lambda s: hmac.new(key, s.encode(), hashlib.sha256).hexdigest()
    digest = lambda b: hashlib.sha256(b).hexdigest()
    seed = digest(rng.randbytes(8))
    parts = [rng.randbytes(rng.randint(1, 300)) for _ in range(rng.randint(0, 4))]
    trailers = [["x-amz-checksum-crc32c", base64.b64encode(rng.randbytes(4)).decode()]] if rng.random() < 0.6 else None
    previous, wire = seed, b""
    for part in parts + [b""]:
        previous = sign("\n".join(["AWS4-HMAC-SHA256-PAYLOAD", stamp, scope, previous, digest(b""), digest(part)]))
        wire += f"{len(part):x};chunk-signature={previous}\r\n".encode() + (part + b"\r\n" if part else b"")
    if trailers:
        for name, v in trailers:
            wire += f"{name}:{v}\r\n".encode()
        listed = "".join(f"{n}:{v}\n" for n, v in trailers).encode()
        previous = sign("\n".join(["AWS4-HMAC-SHA256-TRAILER", stamp, scope, previous, digest(listed)]))
        wire += f"x-amz-trailer-signature:{previous}\r\n".encode()
    wire += b"\r\n"
    return {"secret": secret, "time": int(when.replace(tzinfo=datetime.timezone.utc).timestamp()), "seed": seed,
            "parts": [base64.b64encode(p).decode() for p in parts], "trailers": trailers, "wire": base64.b64encode(wire).decode()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--chunks", action="store_true")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    for _ in range(options.count):
        json.dump((chunks if options.chunks else case)(rng), sys.stdout, ensure_ascii=False, separators=(",", ":"))
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
