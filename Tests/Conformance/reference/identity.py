#!/usr/bin/env python3
"""Who boto3 is by the environment, as `awskit-probe identity` tells it."""

import json

import boto3
import botocore.exceptions

try:
    answer = boto3.client("sts").get_caller_identity()
    print(json.dumps({"account": answer["Account"]}))
except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, ValueError, OSError) as error:
    print(json.dumps({"text": f"{type(error).__name__}: {error}"}))
