#!/usr/bin/env python3
"""What boto3 does in the comparison with AWSKit; takes the words of aws-client, and does the same.

    aws_client.py sqs QUEUE-URL SECONDS CONCURRENCY
    aws_client.py put|get BUCKET BYTES SECONDS
    aws_client.py send QUEUE-URL

Endpoint, region and keys come from the environment. The first two print a line of JSON: operations, and the seconds
that they took of the processors and in all, start and warm-up left out.
"""
import json
import resource
import sys
import threading
import time

import boto3
from botocore.config import Config

BODY = (
    '{"task_id": "01J9Z6W4N8", "runtime": "sdruntime", "prompt": "a lighthouse at dawn, oil on canvas", '
    '"negative_prompt": "blurry", "steps": 20, "width": 512, "height": 512, "seed": 307, "cfg_scale": 7.5}'
)


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(seconds, concurrency, turn):
    for _ in range(3):
        turn()
    counts = [0] * concurrency
    start, before = time.monotonic(), processor_seconds()

    def work(index):
        while True:
            counts[index] += turn()
            if time.monotonic() - start >= seconds:
                return

    if concurrency == 1:
        work(0)
    else:
        threads = [threading.Thread(target=work, args=(index,)) for index in range(concurrency)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    processor, wall = processor_seconds() - before, time.monotonic() - start
    print(json.dumps({"operations": sum(counts), "processor": processor, "wall": wall}))


def message_loop(sqs, queue):
    def turn():
        sqs.send_message(QueueUrl=queue, MessageBody=BODY)
        message = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1)["Messages"][0]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return 3

    return turn


def object_loop(s3, verb, bucket, size):
    content = bytes(i * 31 & 255 for i in range(size))

    def put():
        s3.put_object(Bucket=bucket, Key=str(size), Body=content)
        return 1

    def get():
        if len(s3.get_object(Bucket=bucket, Key=str(size))["Body"].read()) != size:
            raise ValueError("the object has another size")
        return 1

    return put if verb == "put" else get


def main():
    verb = sys.argv[1]
    if verb == "sqs":
        queue, seconds, concurrency = sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
        sqs = boto3.client("sqs", config=Config(max_pool_connections=concurrency))
        measure(seconds, concurrency, message_loop(sqs, queue))
    elif verb in ("put", "get"):
        bucket, size, seconds = sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
        measure(seconds, 1, object_loop(boto3.client("s3"), verb, bucket, size))
    elif verb == "send":
        boto3.client("sqs").send_message(QueueUrl=sys.argv[2], MessageBody=BODY)
    else:
        sys.exit(__doc__)


main()
