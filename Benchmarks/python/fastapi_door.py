#!/usr/bin/env python3
"""A front door as one would write it with FastAPI and boto3: it checks a task, keeps a record in S3 unless told not to, publishes.

    fastapi_door.py TOPIC-ARN [BUCKET]

Endpoint, region and keys come from the environment. It says where it listens.
"""
import json
import sys
import uuid
from datetime import datetime, timezone
from typing import Any, Literal, Optional

import boto3
import uvicorn
from botocore.config import Config
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

TOPIC = sys.argv[1]
BUCKET = sys.argv[2] if len(sys.argv) > 2 else None
RUNTIMES = {"sdruntime"}

app = FastAPI()
# As many connections as FastAPI has threads for calls that wait.
config = Config(max_pool_connections=40)
sns, s3 = boto3.client("sns", config=config), boto3.client("s3", config=config)


class Submission(BaseModel):
    runtime: str
    type: Literal["text-to-image", "image-to-image", "extra-single-image", "extra-batch-images", "pipeline"]
    content: dict[str, Any]
    id: Optional[str] = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    prefix: str = ""
    context: Any = None


@app.post("/v1/tasks", status_code=201)
def submit(task: Submission):
    if task.runtime not in RUNTIMES:
        raise HTTPException(422, f"there is no runtime {task.runtime}")
    key = task.id or uuid.uuid4().hex
    message = json.dumps({
        "metadata": {"id": key, "runtime": task.runtime, "tasktype": task.type, "prefix": task.prefix,
                     "context": task.context},
        "content": task.content})
    record = {"id": key, "runtime": task.runtime, "type": task.type, "state": "queued", "attempts": 0,
              "created_at": datetime.now(timezone.utc).isoformat(), "outputs": []}
    if BUCKET:
        # The record, and the key by which a list finds it, as ours keeps them.
        s3.put_object(Bucket=BUCKET, Key=f"records/{key}", Body=json.dumps(record | {"request": message}), IfNoneMatch="*")
        s3.put_object(Bucket=BUCKET, Key=f"index/{record['created_at']}/{key}", Body=b"")
    sns.publish(
        TopicArn=TOPIC, Message=message,
        MessageAttributes={"runtime": {"DataType": "String", "StringValue": task.runtime}})
    return record


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=0, access_log=False, log_level="info")
