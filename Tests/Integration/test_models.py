"""`sdctl models pull`, the built program, from the S3 of moto."""

import base64
import json
import pathlib
import random
import re
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest

from support.aws import KEYS
from support.waiting import wait_until

MIB = 1 << 20
PART = 64 * MIB


class Relay:
    """A server before S3 that counts the bytes of objects, and holds, cuts or changes them when told to."""

    def __init__(self, target):
        self.sent, self.ranges, self.cuts, self.flips, self.budget = 0, [], 0, 0, None
        # Bytes of the parts that objects came in, which moto does not tell.
        self.parts = []
        self.lock, self.gate = threading.Lock(), threading.Event()
        self.gate.set()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(handler):
                # S3 judges If-Match by the whole object's tag, moto that of a part by the part's own.
                dropped = {"connection"} | ({"if-match"} if self.parts and "partNumber=" in handler.path else set())
                headers = {name: value for name, value in handler.headers.items() if name.lower() not in dropped}
                try:
                    answer = urlopen(Request(target + handler.path, headers=headers, method=handler.command), timeout=60)
                except HTTPError as problem:
                    answer = problem
                with answer:
                    body = answer.read()
                    handler.send_response(answer.status)
                    for name, value in answer.headers.items():
                        if name.lower() not in ("connection", "transfer-encoding", "date", "server", "content-length"):
                            handler.send_header(name, value)
                    length = answer.headers.get("Content-Length") if handler.command == "HEAD" else len(body)
                    if self.parts and (asked := re.search(r"partNumber=(\d+)", handler.path)):
                        length = self.parts[int(asked.group(1)) - 1]
                        handler.send_header("x-amz-mp-parts-count", str(len(self.parts)))
                    handler.send_header("Content-Length", str(length or 0))
                    handler.end_headers()
                if "Range" not in handler.headers:
                    handler.wfile.write(body)
                else:
                    handler.give(body)

            do_HEAD = do_GET

            def give(handler, body):
                with self.lock:
                    self.ranges.append(handler.headers["Range"])
                    cut, self.cuts = self.cuts > 0, max(0, self.cuts - 1)
                    flip, self.flips = self.flips > 0, max(0, self.flips - 1)
                if flip:
                    body = bytes([body[0] ^ 1]) + body[1:]
                for start in range(0, len(body), 64 << 10):
                    chunk = body[start:start + (64 << 10)]
                    with self.lock:
                        is_over = self.budget is not None and self.sent >= self.budget
                    if is_over:
                        self.gate.wait(60)
                    handler.wfile.write(chunk)
                    with self.lock:
                        self.sent += len(chunk)
                    if cut and start >= len(body) // 2:
                        handler.connection.shutdown(socket.SHUT_RDWR)
                        return

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def relay(moto):
    relay = Relay(moto.url)
    yield relay
    relay.stop()


@pytest.fixture
def bucket(moto, request):
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:62].strip("-")
    s3 = moto.client("s3")
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def pull(programs, relay):
    environment = KEYS | {"AWS_ENDPOINT_URL": relay.url}

    def run(*arguments, starts=False, **options):
        go = programs.start if starts else programs.run
        return go("sdctl", "models", "pull", *arguments, **environment, **options)
    return run


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def names(folder):
    """Files that whoever reads models would see."""
    return sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*")
                  if path.is_file() and ".sdctl-models" not in path.parts)


def test_a_folder_comes_whole_and_is_not_pulled_again(moto, bucket, pull, relay, tmp_path):
    s3 = moto.client("s3")
    files = {"sd15/model.safetensors": noise(3 * MIB), "sd15/vae/vae.pt": noise(MIB, 2), "sd15/empty": b"",
             "sd15/spaced name+ü.txt": b"text", "sd15/folder/": b"", "sd15x/not-ours": b"no", "other": b"no"}
    for key, body in files.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    target = tmp_path / "models"
    done = pull(f"s3://{bucket}/sd15", target)
    assert done.returncode == 0, done.stderr
    assert names(target) == ["empty", "model.safetensors", "spaced name+ü.txt", "vae/vae.pt"]
    for key, body in files.items():
        if key.startswith("sd15/") and not key.endswith("/"):
            assert (target / key.removeprefix("sd15/")).read_bytes() == body
    assert "4 files" in done.stdout and "4 pulled" in done.stdout

    count = len(relay.ranges)
    again = json.loads(pull(f"s3://{bucket}/sd15/", target, "--output", "json").stdout)
    assert len(relay.ranges) == count and again["pulled_bytes"] == 0
    assert all(file["present"] for file in again["files"]) and len(again["files"]) == 4

    # Another object under the key, a file that somebody changed, one that somebody removed.
    s3.put_object(Bucket=bucket, Key="sd15/vae/vae.pt", Body=noise(MIB, 3))
    changed = bytearray(noise(3 * MIB))
    changed[5] ^= 1
    (target / "model.safetensors").write_bytes(changed)
    (target / "empty").unlink()
    third = json.loads(pull(f"s3://{bucket}/sd15/", target, "--output", "json").stdout)
    assert [file["path"] for file in third["files"] if file["present"]] == ["spaced name+ü.txt"]
    assert (target / "vae/vae.pt").read_bytes() == noise(MIB, 3)
    assert (target / "model.safetensors").read_bytes() == noise(3 * MIB)


def test_one_object_can_be_named(moto, bucket, pull, tmp_path):
    s3 = moto.client("s3")
    s3.put_object(Bucket=bucket, Key="a/model.ckpt", Body=b"1")
    s3.put_object(Bucket=bucket, Key="a/model.ckpt.bak", Body=b"2")
    assert pull(f"s3://{bucket}/a/model.ckpt", tmp_path / "m").returncode == 0
    assert names(tmp_path / "m") == ["model.ckpt"]
    # What others brought is taken for what it is, where its bytes are right.
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.ckpt").write_bytes(b"1")
    done = json.loads(pull(f"s3://{bucket}/a/model.ckpt", other, "--output", "json").stdout)
    assert [file["present"] for file in done["files"]] == [True]


def test_a_killed_pull_is_gone_on_with(moto, bucket, pull, relay, tmp_path):
    size = 3 * PART + 12345
    body = noise(size)
    moto.client("s3").put_object(Bucket=bucket, Key="m/large", Body=body)
    moto.client("s3").put_object(Bucket=bucket, Key="m/small", Body=b"small")
    target = tmp_path / "models"
    relay.budget = 2 * PART + 1000
    relay.gate.clear()
    first = pull(f"s3://{bucket}/m/", target, "--concurrency", "1", starts=True)
    wait_until(lambda: relay.sent >= relay.budget, 90, "two parts")
    assert names(target) == []
    first.kill()
    relay.budget = None
    relay.gate.set()
    before = relay.sent
    done = pull(f"s3://{bucket}/m/", target)
    assert done.returncode == 0, done.stderr
    assert (target / "large").read_bytes() == body and (target / "small").read_bytes() == b"small"
    assert relay.sent - before <= size - 2 * PART + MIB
    assert not list((target / ".sdctl-models").glob("*.part*"))


def test_ctrl_c_says_how_to_go_on(moto, bucket, pull, relay, tmp_path):
    moto.client("s3").put_object(Bucket=bucket, Key="m/large", Body=noise(4 * MIB))
    relay.budget = MIB
    relay.gate.clear()
    run = pull(f"s3://{bucket}/m/", tmp_path / "models", starts=True)
    wait_until(lambda: relay.sent >= MIB, 60, "the first bytes")
    run.signal(signal.SIGINT)
    assert run.wait(30) == 130
    assert "the same command goes on" in run.text and names(tmp_path / "models") == []


def test_connections_that_break_are_gone_on_with(moto, bucket, pull, relay, tmp_path):
    body = noise(5 * MIB)
    moto.client("s3").put_object(Bucket=bucket, Key="m/large", Body=body)
    relay.cuts = 2
    done = pull(f"s3://{bucket}/m/", tmp_path / "models")
    assert done.returncode == 0 and "trying again" in done.stderr, done.stderr
    assert (tmp_path / "models/large").read_bytes() == body
    # From where they broke, not from the beginning.
    starts = [int(each.split("=")[1].split("-")[0]) for each in relay.ranges]
    assert len(starts) == 3 and starts == sorted(starts) and starts[1] > 0


@pytest.mark.parametrize("proof", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "etag", "parts", "odd parts"])
def test_a_file_gets_its_name_only_when_its_checksum_holds(moto, bucket, pull, relay, tmp_path, proof):
    s3 = moto.client("s3")
    body = noise(17 * MIB if "parts" in proof else MIB)
    if "parts" in proof:
        relay.parts = [5 * MIB, 5 * MIB, 5 * MIB, 2 * MIB] if proof == "parts" else [5 * MIB, 6 * MIB, 5 * MIB, MIB]
        upload(plain_client(moto), bucket, "m/file", body, relay.parts)
    elif proof == "etag":
        plain_client(moto).put_object(Bucket=bucket, Key="m/file", Body=body)
    else:
        value = {}
        if proof == "CRC64NVME":
            value = {"ChecksumCRC64NVME": crc(body, 64, 0x9A6C9329AC4BC9B5)}
        elif proof == "CRC32C":
            value = {"ChecksumCRC32C": crc(body, 32, 0x82F63B78)}
        s3.put_object(Bucket=bucket, Key="m/file", Body=body, ChecksumAlgorithm=proof, **value)
    relay.flips = 1
    done = pull(f"s3://{bucket}/m/", tmp_path / "models")
    assert done.returncode == 0 and "checksum; trying again" in done.stderr, done.stderr
    assert (tmp_path / "models/file").read_bytes() == body
    (tmp_path / "models/file").unlink()
    relay.flips = 100
    done = pull(f"s3://{bucket}/m/", tmp_path / "models")
    assert done.returncode == 5 and "twice" in done.stderr
    assert names(tmp_path / "models") == []


def crc(body, bits, polynomial):
    """A reflected CRC in base64, as S3 has it."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ polynomial if value & 1 else value >> 1
        table.append(value)
    ones = (1 << bits) - 1
    value = ones
    for byte in body:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return base64.b64encode((value ^ ones).to_bytes(bits // 8, "big")).decode()


def plain_client(moto):
    """A client that sends no checksums, as all did for long."""
    return boto3.client(
        "s3", endpoint_url=moto.url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test",
        config=boto3.session.Config(request_checksum_calculation="when_required"))


def upload(s3, bucket, key, body, sizes):
    """Uploads an object in parts of these sizes."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    parts, offset = [], 0
    for number, size in enumerate(sizes, 1):
        answer = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body[offset:offset + size])
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        offset += size
    s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})


def test_two_pulls_into_one_directory_follow_each_other(moto, bucket, pull, relay, tmp_path):
    moto.client("s3").put_object(Bucket=bucket, Key="m/large", Body=noise(4 * MIB))
    relay.budget = MIB
    relay.gate.clear()
    first = pull(f"s3://{bucket}/m/", tmp_path / "models", starts=True)
    wait_until(lambda: relay.sent >= MIB, 60, "the first bytes")
    second = pull(f"s3://{bucket}/m/", tmp_path / "models", starts=True)
    wait_until(lambda: "waiting for it" in second.text, 30, "the second to wait")
    relay.budget = None
    relay.gate.set()
    assert (first.wait(60), second.wait(60)) == (0, 0)
    assert len(relay.ranges) == 1
    assert "1 already there" in second.text


@pytest.mark.parametrize("key", ["m/../../escape", "m//double", "m/./dot", "m/.sdctl-models/index.json"])
def test_keys_that_are_no_paths_are_refused(moto, bucket, pull, tmp_path, key):
    moto.client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")
    done = pull(f"s3://{bucket}/m/", tmp_path / "models")
    assert done.returncode == 2 and "cannot be a file's path" in done.stderr
    assert names(tmp_path) == []


def test_what_cannot_be_is_told(bucket, pull, tmp_path):
    nothing = pull(f"s3://{bucket}/none/", tmp_path / "a")
    assert nothing.returncode == 4 and "nothing under" in nothing.stderr
    assert pull("https://example.com/x", tmp_path / "a").returncode == 2
    assert pull("s3://", tmp_path / "a").returncode == 2
    (tmp_path / "file").write_text("")
    refused = pull(f"s3://{bucket}/", tmp_path / "file")
    assert refused.returncode == 5 and "making the directory" in refused.stderr
    gone = pull("s3://no-such-bucket-anywhere/", tmp_path / "a")
    assert gone.returncode == 4 and "NoSuchBucket" in gone.stderr
