#!/usr/bin/env python3
"""What botocore sends for generated calls, and what it makes of generated answers; one JSON object a line.

    calls.py --services s3,sns --seed 1 --count 10     so many cases of every operation

SQS speaks JSON since botocore 1.31.81: run this with 1.31.80 for its query protocol (--services sqs).
"""
import argparse
import base64
import datetime
import io
import json
import random
import sys
from unittest import mock

import botocore.auth
import botocore.exceptions
import botocore.session
import botocore.signers
from botocore import handlers
from botocore.awsrequest import AWSResponse
from botocore.config import Config

import answers
import operations
from values import Values

WHEN = datetime.datetime(2024, 2, 29, 12, 34, 56)
REGIONS = ["eu-central-1", "us-east-1", "ap-southeast-7", "cn-north-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-east-1"]
BUCKETS = ["my-bucket", "dotted.bucket", "Upper_Case", "abc"]
ACCESS_POINT = "arn:{partition}:s3:{region}:123456789012:accesspoint/ap"
ERRORS = [("AccessDenied", 403), ("InternalError", 500), ("InvalidParameterValue", 400), ("NoSuchThing", 404),
          ("Throttling", 400), ("SlowDown", 503), ("SomethingNew", 418)]


Moment = datetime.datetime  # which is replaced while requests are made


class Frozen(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return WHEN

    @classmethod
    def now(cls, tz=None):
        return WHEN.replace(tzinfo=tz)


class Raw(io.BytesIO):
    """A body as urllib3 gives it to botocore."""

    def stream(self, **_):
        while chunk := self.read(8192):
            yield chunk


def plain(value):
    """As JSON: bytes in base64, moments in seconds since 1970, streams read."""
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Moment):
        return value.replace(tzinfo=value.tzinfo or datetime.timezone.utc).timestamp()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


class Clients:
    """botocore's clients by what they are set up with."""

    def __init__(self):
        self.session = botocore.session.Session()
        self.session.set_credentials("AKID", "secret", "token")
        # A template that happens to be JSON ("90" is) would be a value here; AWSKit gives its text.
        self.session.unregister("after-call.cloudformation.GetTemplate", handlers.json_decode_template_body)
        self.known = {}

    def get(self, service, region, endpoint, settings):
        key = json.dumps([service, region, endpoint, settings], sort_keys=True)
        if key not in self.known:
            s3 = {"addressing_style": settings.get("addressing", "auto"),
                  "use_accelerate_endpoint": settings.get("accelerate", False)}
            config = Config(
                retries={"total_max_attempts": 1}, use_fips_endpoint=settings.get("fips", False),
                use_dualstack_endpoint=settings.get("dualstack", False), s3=s3 if service == "s3" else None,
                signature_version="s3v4" if service == "s3" else None)
            self.known[key] = self.session.create_client(service, region_name=region, endpoint_url=endpoint, config=config)
        return self.known[key]


def place(service, v):
    """Region, configured URL and settings."""
    kind = v.rng.random()
    if kind < 0.35:
        return "eu-central-1", "http://aws.example", {}
    if kind < 0.5:
        return "eu-central-1", "https://aws.example", {}
    settings = {}
    for name, chance in [("fips", 0.15), ("dualstack", 0.2)]:
        if v.maybe(chance):
            settings[name] = True
    if service == "s3":
        settings["addressing"] = v.rng.choice(["auto", "path", "virtual"])
        if v.maybe(0.1):
            settings["accelerate"] = True
    # The botocore that speaks SQS's query protocol is older than the European Sovereign Cloud.
    regions = [region for region in REGIONS if service != "sqs" or not region.startswith("eusc")]
    return v.rng.choice(regions), None, settings


def bucket(region, v):
    if v.maybe(0.15):
        partition = {"cn": "aws-cn", "us-gov": "aws-us-gov", "eusc": "aws-eusc", "us-iso": "aws-iso"}
        found = next((name for prefix, name in partition.items() if region.startswith(prefix + "-")), "aws")
        return ACCESS_POINT.format(partition=found, region=region)
    return v.rng.choice(BUCKETS)


def make(clients, service, operation, v):
    """A case, or `None` where botocore itself refuses it."""
    region, endpoint, settings = place(service, v)
    try:
        client = clients.get(service, region, endpoint, settings)
    except (botocore.exceptions.BotoCoreError, ValueError):
        return None
    model = client.meta.service_model.operation_model(operation)
    shape = model.input_shape
    v.region = region
    params = v.of(shape, operations.left_out(service, operation, shape)) if shape else {}
    params = operations.adjust(service, operation, params, v)
    case = {"service": service, "operation": operation, "region": region, "endpoint": endpoint, "settings": settings,
            "time": int(WHEN.replace(tzinfo=datetime.timezone.utc).timestamp()), "credentials": ["AKID", "secret", "token"]}
    if service == "s3":
        if "Bucket" in params:
            params["Bucket"] = "new-bucket" if operation == "CreateBucket" else bucket(region, v)
        case["body"] = v.rng.choice(["bytes", "bytes", "stream", "file"])
        if operation in ("PutObject", "UploadPart"):
            params["Body"] = v.rng.randbytes(v.rng.choice([0, 1, 40, 9000, 200_000, 300_000]))
        if operation in ("PutObject", "GetObject") and v.maybe(0.3):
            case["presign"] = v.rng.randint(1, 604_800)
            case["body"] = "bytes"
            for name in ("Body", "ChecksumAlgorithm", "ChecksumMode"):
                params.pop(name, None)
        elif operations.pays(operation) and v.maybe(0.1):
            settings["pays"] = True
    case["params"] = plain(params)
    answer = None
    if "presign" not in case:
        if v.maybe(0.2):
            # Where HEAD is refused with 400, botocore asks for the bucket's region first.
            code, status = v.rng.choice([each for each in ERRORS if each[1] != 400 or service != "s3"])
            answer = answers.error(model, code, v.text(), status)
        else:
            value = v.of(model.output_shape, chance=0.85) if model.output_shape else {}
            value = operations.adjust_answer(service, operation, params, value, v)
            answer = answers.wire(model, value)
            # botocore cannot tell for the two algorithms that its C library makes.
            if operation == "GetObject" and "Range" not in params and is_corrupt(value):
                case["corrupt"] = True
        if model.http.get("method") == "HEAD":
            answer = (answer[0], answer[1], b"")
        case["answer"] = {"status": answer[0], "headers": answer[1], "body": base64.b64encode(answer[2]).decode()}
    return expect(client, case, params, answer)


def is_corrupt(value):
    return any(value.get("Checksum" + name, made) != made for name, made in (
        (name, answers.checksum(name, value["Body"])) for name in answers.CHECKSUMS))


def given(case, params):
    """The parameters as botocore has them."""
    params = dict(params)
    if "Tags" in params and case["service"] == "s3":
        from urllib.parse import quote
        params["Tagging"] = "&".join(f"{quote(k, safe='')}={quote(t, safe='')}" for k, t in sorted(params.pop("Tags").items()))
    if case["settings"].get("pays"):
        params["RequestPayer"] = "requester"
    if "Body" in params and case["body"] != "bytes":
        params["Body"] = io.BytesIO(params["Body"])
    if case["service"] == "s3" and case["operation"] == "CreateBucket" and case["region"] not in ("us-east-1", "aws-global"):
        params["CreateBucketConfiguration"] = {"LocationConstraint": case["region"]}
    if case["operation"] == "ListMultipartUploads":
        params["EncodingType"] = "url"
    if case["operation"] == "RunInstances" and "UserData" in params:
        pass  # botocore encodes it, as AWSKit does
    return params


def expect(client, case, params, answer):
    seen = {}

    def stand_in(request, **_):
        body = request.body or b""
        body = body.read() if hasattr(body, "read") else body
        seen["request"] = {
            "method": request.method, "url": request.url,
            "headers": sorted([k.lower(), h.decode() if isinstance(h, bytes) else str(h)] for k, h in request.headers.items()),
            "body": base64.b64encode(body.encode() if isinstance(body, str) else body).decode()}
        from botocore.compat import HTTPHeaders
        headers = HTTPHeaders()
        for name, field in answer[1]:
            headers.add_header(name, field)
        return AWSResponse(request.url, answer[0], headers, Raw(answer[2]))

    name = botocore.xform_name(case["operation"])
    params = given(case, params)
    client.meta.events.register("before-send", stand_in)
    try:
        with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: WHEN, create=True), \
                mock.patch.object(botocore.auth.datetime, "datetime", Frozen), \
                mock.patch.object(botocore.signers, "_should_use_global_endpoint", lambda *_: False):
            # The last one: S3's URLs lead to the region that they are signed for, as with all SDKs but this one.
            if "presign" in case:
                case["url"] = client.generate_presigned_url(name, Params=params, ExpiresIn=case["presign"])
            else:
                case["output"] = plain(getattr(client, name)(**params))
    except botocore.exceptions.ClientError as error:
        case["error"] = plain(error.response)
    except botocore.exceptions.FlexibleChecksumError:
        # It takes what is told with a range for the range's own checksum; AWSKit takes it for the object's.
        if "Range" in params:
            return None
        case["corrupt"] = True
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        if not seen:
            return None
        raise RuntimeError(f"{case}") from error
    finally:
        client.meta.events.unregister("before-send", stand_in)
    return case | seen


def token(clients, v):
    """A token as `aws eks get-token` makes it."""
    region, endpoint, settings = place("sts", v)
    endpoint, cluster = None, v.word()
    settings = {}
    client = clients.get("sts", region, endpoint, settings)

    def add_cluster(params, context, **_):
        context["cluster"] = params.pop("ClusterName", None)

    def add_header(request, **_):
        request.headers["x-k8s-aws-id"] = cluster

    client.meta.events.register("before-sign.sts.GetCallerIdentity", add_header)
    try:
        with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: WHEN, create=True), \
                mock.patch.object(botocore.auth.datetime, "datetime", Frozen):
            url = client.generate_presigned_url("get_caller_identity", Params={}, ExpiresIn=60, HttpMethod="GET")
    finally:
        client.meta.events.unregister("before-sign.sts.GetCallerIdentity", add_header)
    text = "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
    return {"service": "eks", "operation": "token", "region": region, "endpoint": None, "settings": settings,
            "time": int(WHEN.replace(tzinfo=datetime.timezone.utc).timestamp()), "credentials": ["AKID", "secret", "token"],
            "params": {"name": cluster}, "token": text}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--services", default=",".join(name for name in operations.OPERATIONS if name != "sqs"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10)
    options = parser.parse_args()
    clients = Clients()
    for service in options.services.split(","):
        for operation in operations.OPERATIONS[service].split():
            # Each operation has its own, so that adding one leaves the others' cases as they are.
            v = Values(random.Random(f"{options.seed} {service} {operation}"),
                       always=operations.ALWAYS.get(service, "").split())
            made = 0
            for _ in range(options.count * 3):
                case = token(clients, v) if operation == "token" else make(clients, service, operation, v)
                if case is None:
                    continue
                json.dump(case, sys.stdout, separators=(",", ":"))
                sys.stdout.write("\n")
                made += 1
                if made == options.count:
                    break


if __name__ == "__main__":
    main()
