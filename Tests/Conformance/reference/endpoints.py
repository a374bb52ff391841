#!/usr/bin/env python3
"""Endpoints that botocore chooses, one JSON object a line: every service, region, FIPS, dual-stack, and for S3 every
kind of bucket, addressing style and configured URL. Needs no seed: it is the whole product, thinned by --every."""
import argparse
import itertools
import json
import sys

import boto3
import botocore.exceptions
from botocore.config import Config
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError

SERVICES = ["sqs", "sns", "sts", "ec2", "ssm", "cloudformation", "ecr", "eks", "xray", "sso", "sso_oidc"]
REGIONS = ["us-east-1", "us-east-2", "eu-central-1", "ap-southeast-7", "mx-central-1", "xy-new-1", "us-west-99", "cn-north-1",
           "cn-northwest-1", "us-gov-west-1", "us-gov-east-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1",
           "us-isof-south-1", "eusc-de-east-1", "aws-global"]
BUCKETS = [None, "abc", "a.b.c", "Abc", "ab", "a_b", "under_score", "192.168.1.2", "-abc", "abc-", "a..b", "x" * 63, "bücket",
           "arn:aws:s3:eu-central-1:123456789012:accesspoint/ap", "arn:aws:s3:us-east-1:123456789012:accesspoint:ap",
           "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/ap", "arn:aws:s3-object-lambda:eu-central-1:123456789012:accesspoint/ol"]
URLS = [None, "http://localhost:4566", "https://minio.example:9000/base", "http://127.0.0.1:9000", "https://s3.example.com"]


class Stop(Exception):
    pass


def capture(client, method, arguments):
    seen = {}

    def stop(request, **_):
        seen["url"], seen["auth"] = request.url, request.headers.get("Authorization", b"")
        raise Stop

    client.meta.events.register("before-send", stop)
    try:
        getattr(client, method)(**arguments)
    except Stop:
        pass
    except (botocore.exceptions.BotoCoreError, ValueError):
        return None, None, None
    finally:
        client.meta.events.unregister("before-send", stop)
    auth = seen["auth"].decode() if isinstance(seen["auth"], bytes) else seen["auth"]
    scope = auth.partition("Credential=")[2].partition(",")[0].split("/")
    return seen["url"], scope[3], scope[2]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    every = parser.parse_args().every
    session = boto3.Session(aws_access_key_id="AKID", aws_secret_access_key="secret")
    emit = lambda **case: print(json.dumps(case, separators=(",", ":")))
    loader = session._session.get_component("data_loader")
    partitions = loader.load_data("partitions")
    for service, region, fips, dual, legacy in itertools.product(SERVICES, REGIONS, *[[False, True]] * 3):
        if legacy and service != "sts":
            continue
        rules = loader.load_service_model(service.replace("_", "-"), "endpoint-rule-set-1")
        parameters = {"Region": region, "UseFIPS": fips, "UseDualStack": dual}
        if service == "sts":
            parameters["UseGlobalEndpoint"] = legacy
        url = name = signing = None
        try:
            found = EndpointProvider(rules, partitions).resolve_endpoint(**parameters)
            url, schemes = found.url, found.properties.get("authSchemes", [{}])
            name, signing = service, schemes[0].get("signingRegion", region)
        except EndpointProviderError:
            pass
        emit(service=service, region=region, fips=fips, dual=dual, legacy=legacy, url=url, name=name, signing=signing)
    n = 0
    for region, fips, dual, style, accelerate, regional, arn, url in itertools.product(
            REGIONS, [False, True], [False, True], ["auto", "virtual", "path"], [False, True], [False, True], [True, False], URLS):
        n += 1
        if n % every:
            continue
        config = Config(use_fips_endpoint=fips, use_dualstack_endpoint=dual, retries={"max_attempts": 0}, s3={
            "addressing_style": style, "use_accelerate_endpoint": accelerate,
            "us_east_1_regional_endpoint": "regional" if regional else "legacy", "use_arn_region": arn})
        try:
            client = session.client("s3", region_name=region, config=config, endpoint_url=url)
        except (botocore.exceptions.BotoCoreError, ValueError):
            continue
        for bucket in BUCKETS:
            if bucket is None:
                got = capture(client, "list_buckets", {})
            else:
                got = capture(client, "get_object", {"Bucket": bucket, "Key": "k"})
            emit(service="s3", region=region, fips=fips, dual=dual, style=style, accelerate=accelerate, regional=regional,
                 arn=arn, endpoint=url, bucket=bucket, url=got[0], name=got[1], signing=got[2])


if __name__ == "__main__":
    main()
