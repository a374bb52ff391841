"""Attacks on the gateway as it is shipped: what comes is refused in words, loses nothing, and leaves it at work."""

import base64
import hashlib
import hmac
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support import raw, web
from support.waiting import wait_until

JSON = {"Content-Type": "application/json"}


def listening(process):
    """Its address, where its log names others before."""
    return process.wait_for(
        lambda: next((e["address"] for e in process.events if e["message"] == "listening"), None), 30, "listening")


@pytest.fixture(scope="module")
def gateway(binaries, tmp_path_factory):
    """A gateway without workers, which all tests attack."""
    from conftest import MODEL
    from support.processes import Programs
    from support.state import State

    folder = tmp_path_factory.mktemp("attacked")
    (folder / "logs").mkdir()
    programs, state = Programs(binaries, folder / "logs"), State(folder / "state")
    state.directory.mkdir()
    (state.directory / "runtimes.yaml").write_text(
        f"runtimes:\n  - {{name: sdruntime, engine: test-pattern, model: {MODEL}}}\n"
        "  - {name: any, engine: test-pattern, dynamic-model: true}\n")
    process = programs.start(
        "sd-gateway", "--state", state.directory, "--port", "0", "--log-format", "json", "--log-level", "debug")
    process.url, process.state = listening(process), state
    process.wait_for(lambda: web.answers(f"{process.url}/readyz"), 30, "readiness")
    yield process
    assert process.is_running and web.answers(f"{process.url}/healthz"), process.tail()
    programs.stop_all()


def task(**changes):
    return {"runtime": "sdruntime", "type": "text-to-image", "content": {"prompt": "a lighthouse"}} | changes


def refusal(answer, status=422):
    """The pointers of what is wrong; the answer is a problem and not a crash's."""
    assert answer.status == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["status"] == status
    return [error["pointer"] for error in answer.json.get("errors", [])]


# 4: names that lead elsewhere

@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "a\0b", "%2e%2e", "..", ".", "", "a" * 65, "é", "a\nb", "a b"])
def test_attack_04_ids_that_are_paths_are_refused_at_every_door(gateway, name):
    assert refusal(web.post(f"{gateway.url}/v1/tasks", task(id=name))) == ["/id"]
    scripts = {"task": "text-to-image", "id_task": name, "sd_model_checkpoint": "x"}
    for path, body in {
        "/": {"sdname": "sdruntimeAddon", "alwayson_scripts": scripts},
        "/v1alpha1": {"alwayson_scripts": scripts},
        "/v1alpha2": {"task": {"metadata": {"id": name, "runtime": "sdruntime", "tasktype": "text-to-image"}, "content": {}}},
    }.items():
        assert web.post(gateway.url + path, body).status == 400, path


@pytest.mark.parametrize("prefix", [
    "../x", "a/../b", "/a", "a//b", "a/./b", ".sd/aa", "a/.hidden", "a\0", "a\r\nb", "%2e%2e/a", "%2E%2e", "a\\b", "p" * 513])
def test_attack_04_prefixes_that_lead_elsewhere_are_refused_at_every_door(gateway, prefix):
    assert refusal(web.post(f"{gateway.url}/v1/tasks", task(prefix=prefix))) == ["/prefix"]
    metadata = {"id": "t", "runtime": "sdruntime", "tasktype": "text-to-image", "prefix": prefix}
    answer = web.post(f"{gateway.url}/v1alpha2", {"task": {"metadata": metadata, "content": {}}})
    assert answer.status == 400 and answer.text.startswith("Incorrect payload structure, ")


@pytest.mark.parametrize("path", [
    "/v1/tasks/..%2f..%2fetc%2fpasswd", "/v1/tasks/%2e%2e", "/v1/tasks/a%00b", "/v1/tasks/%zz", "/v1/../v1/nothing",
    "/files/local/..%2f..%2fstate.sqlite?access=GET&expires=9&signature=x", "/files/local/%2e%2e/state.sqlite",
    "/files/..%2f/x?access=GET&expires=99999999999&signature=x", "/" + "a" * 8000])
def test_attack_04_paths_that_lead_elsewhere_find_nothing(gateway, path):
    [status] = raw.statuses(gateway.url, f"GET {path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n".encode())
    assert status in (400, 403, 404)


# 6: JSON that is too deep, too long, ambiguous, or too large

@pytest.mark.parametrize("body", [
    "[" * 100_000, '{"a":' * 100_000, '{"runtime": ' + "[" * 100_000, "\"" + "\\u0000" * 10, "{\"a\": \"\\ud800\"", "\xff",
    '{"a": 1e}', '{"a": 01}', '{"a": NaN}', '{"runtime": "sdruntime",}', "{} {}", ""])
def test_attack_06_what_is_no_json_is_said_to_be_none(gateway, body):
    answer = web.post(f"{gateway.url}/v1/tasks", body.encode("latin-1"), headers=JSON)
    refusal(answer, 400)


def test_attack_06_huge_numbers_are_kept_word_for_word_or_refused(gateway):
    def body(**numbers):
        text = json.dumps({"runtime": "sdruntime", "type": "text-to-image", "content": {}} | numbers)
        return text.replace('"#', "").replace('#"', "").encode()

    for number in ["1e999999", "-1e999999", "1e-999999999999999999", "0." + "1" * 390]:
        # Written by the client, meant for the engine: nobody on the way has to know its value.
        answer = web.post(f"{gateway.url}/v1/tasks", body(content={"steps": f"#{number}#"}), headers=JSON)
        assert answer.status == 201, answer.text
        answer = web.post(f"{gateway.url}/v1/tasks", body(expires_in=f"#{number}#"), headers=JSON)
        assert refusal(answer) == ["/expires_in"]
    for number in ["9" * 100_000, "0." + "1" * 100_000]:
        refusal(web.post(f"{gateway.url}/v1/tasks", body(content={"steps": f"#{number}#"}), headers=JSON), 400)
    refusal(web.get(f"{gateway.url}/v1/tasks?limit={'9' * 5000}"), 400)


def test_attack_06_a_name_given_twice_means_the_last_to_everybody_alike(gateway):
    """As Python's parser has it, which the earlier systems use; what goes on holds each name once."""
    def once(pairs):
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)

    body = ('{"id": "twice", "runtime": "sdruntime", "runtime": "any", "type": "text-to-image", "content": '
            '{"prompt": "a", "prom\\u0070t": "b", "inner": {"x": 1, "x": 2}}}').encode()
    answer = web.post(f"{gateway.url}/v1/tasks", body, headers=JSON)
    assert answer.status == 201 and answer.json["runtime"] == "any"
    sent = json.loads(gateway.state.bodies("any")[-1], object_pairs_hook=once)
    assert sent["content"] == {"prompt": "b", "inner": {"x": 2}}
    assert sent["metadata"]["runtime"] == "any"


def test_attack_06_a_body_that_is_too_large_is_refused_before_it_is_read(gateway):
    head = "POST /v1/tasks HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n"
    before = resident(gateway)
    [status] = raw.statuses(gateway.url, f"{head}Content-Length: {1 << 30}\r\n\r\n".encode())
    assert status == 413
    with raw.Line(gateway.url) as line:
        line.send(head.replace("HOST", line.host) + "Transfer-Encoding: chunked\r\n\r\n")
        chunk = f"{1 << 20:x}\r\n".encode() + b"x" * (1 << 20) + b"\r\n"
        try:
            for _ in range(64):
                line.send(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert line.statuses in ([413], [])
    assert resident(gateway) - before < 96 << 20, "bytes of memory for what was refused"


def resident(process):
    with open(f"/proc/{process.child.pid}/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmRSS"))


# 8 and 9: control characters, in fields, names and logs

def test_attack_08_control_characters_in_fields_never_get_past_the_parser(gateway):
    for value in (b"a\rb", b"a\0b", b"a\r\n b", b"\x7f"):
        request = (b"POST /v1/tasks HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Length: 2\r\nIdempotency-Key: "
                   + value + b"\r\n\r\n{}")
        assert raw.statuses(gateway.url, request) == [400], value
    # An answer never repeats what would end its head.
    answer = web.get(f"{gateway.url}/v1/tasks/a%0d%0aX-Evil:%201")
    assert answer.status == 404 and answer.headers["X-Evil"] is None


@pytest.mark.parametrize("model", ["a\r\nb", "a\0b", "a\x1b[31m", "m" * 300])
def test_attack_08_a_model_is_a_name_before_it_becomes_an_attribute(gateway, model):
    assert refusal(web.post(f"{gateway.url}/v1/tasks", task(runtime="any", model=model))) == ["/model"]
    scripts = {"task": "text-to-image", "id_task": "m", "sd_model_checkpoint": model}
    assert web.post(f"{gateway.url}/v1alpha1", {"alwayson_scripts": scripts}).status == 400


def test_attack_09_every_event_is_one_line_of_json_whatever_tasks_say(gateway):
    nasty = "\n{\"level\":\"error\"}\r\n\0\x1b[31m\u2028\u0085\ud83d\ude00\\\""
    web.post(f"{gateway.url}/v1/tasks", task(id="nasty", content={"prompt": nasty, nasty: nasty}, context=nasty))
    web.post(f"{gateway.url}/v1/tasks", task(runtime=nasty, type=nasty, **{nasty: 1}))
    web.get(f"{gateway.url}/v1/tasks/%0a%7b%22level%22:1%7d%1b")
    web.get(f"{gateway.url}/v1/tasks", headers={"User-Agent": "\x1b[31m", "traceparent": "\x1b"})
    lines = gateway.errors.read_bytes().split(b"\n")
    assert lines.pop() == b"" and len(lines) > 4
    for line in lines:
        assert isinstance(json.loads(line), dict)
        assert not any(byte < 0x20 or byte == 0x7F for byte in line)


# 11: guessing

def test_attack_11_guesses_slow_down_and_good_keys_go_on(programs, state, runtimes_file, tmp_path):
    keys = tmp_path / "keys.yaml"
    good = programs.run("sdctl", "keys", "new", "good", "--api-keys", keys).stdout.strip()
    gateway = programs.start(
        "sd-gateway", "--state", state.directory, "--port", "0", "--api-keys", keys, "--log-level", "trace",
        "--log-format", "json")
    url = listening(gateway) + "/v1/tasks"
    gateway.wait_for(lambda: web.get(url).status == 401, 30, "readiness")
    assert web.get(url, headers={"x-api-key": good}).status == 200
    answers = [web.get(url, headers={"Authorization": f"Bearer guess-{number}"}) for number in range(30)]
    statuses = [answer.status for answer in answers]
    assert statuses[0] == 401 and statuses[-1] == 429 and statuses.count(401) <= 12
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert web.get(url, headers={"x-api-key": good}).status == 200
    # A key is taken away, and one made, without a restart.
    assert programs.run("sdctl", "keys", "revoke", "good", "--yes", "--api-keys", keys).returncode == 0
    wait_until(lambda: web.get(url, headers={"x-api-key": good}).status in (401, 429), 10, "the key's end")
    assert good not in gateway.text and "guess-1" not in gateway.text, "a secret in the log"


def test_attack_10_no_log_at_any_level_shows_what_webhooks_are_signed_with(gateway):
    secret = (gateway.state.directory / "webhook-secret").read_text().strip()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = gateway.text
    for shown in (secret, secret.removeprefix("whsec_"), key.hex(), ", ".join(str(byte) for byte in key[:6])):
        assert shown not in text


# 12: webhooks that others send

class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def signature(secret, headers, body):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    code = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(code).decode()


def test_attack_12_webhooks_are_signed_with_a_time_as_standard_webhooks_has_it(dev):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.heard = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        secret = web.get(f"{dev.url}/v1/webhooks/secret").json["secret"]
        hook = f"http://127.0.0.1:{server.server_address[1]}/done"
        assert web.post(f"{dev.url}/v1/tasks", task(id="hooked", webhook=hook)).status == 201
        wait_until(lambda: server.heard, 30, "the webhook")
        headers, body = server.heard[0]
        assert json.loads(body)["state"] == "succeeded" and headers["webhook-id"] == "hooked/1/succeeded"
        assert abs(time.time() - int(headers["webhook-timestamp"])) < 300
        assert headers["webhook-signature"] == signature(secret, headers, body)
        # Neither another body nor another time has that signature.
        assert headers["webhook-signature"] != signature(secret, headers, body + b" ")
        assert headers["webhook-signature"] != signature(
            secret, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, body)
    finally:
        server.shutdown()
        server.server_close()


# 14: smuggling, and requests that never end

GET = b"GET /healthz HTTP/1.1\r\nHost: HOST\r\n"
POST = b"POST /v1/tasks HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n"
INNER = b"GET /v1/runtimes HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("request_bytes", [
    POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}  " + INNER,
    POST + b"Content-Length: +2\r\n\r\n{}" + INNER,
    POST + b"Content-Length: 0x2\r\n\r\n{}" + INNER,
    POST + b"Content-Length: -1\r\n\r\n{}" + INNER,
    POST + b"Content-Length: 2,2\r\n\r\n{}" + INNER,
    POST + b"Content-Length: 99999999999999999999\r\n\r\n{}" + INNER,
    POST + b"Content-Length : 2\r\n\r\n{}" + INNER,
    POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + INNER,
    POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + INNER,
    POST + b"Transfer-Encoding\x00: chunked\r\n\r\n0\r\n\r\n" + INNER,
    POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + INNER,
    POST + b"Transfer-Encoding: chunked\r\n\r\n2;\n{}\r\n0\r\n\r\n" + INNER,
    b"GET /healthz HTTP/1.1\r\nHost: HOST\r\nX: a\r\n : b\r\n\r\n" + INNER,
    b"GET /healthz\x00 HTTP/1.1\r\nHost: HOST\r\n\r\n" + INNER,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200], ids=range(16))
def test_attack_14_a_request_whose_end_is_in_doubt_is_the_last_of_its_connection(gateway, request_bytes):
    found = raw.statuses(gateway.url, request_bytes, limit=20)
    # One refusal at most, and what was smuggled behind it is not answered.
    assert len(found) <= 1 and all(400 <= status < 500 for status in found), found


def test_attack_14_one_host_field_is_needed(gateway):
    assert raw.statuses(gateway.url, b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")[0] in (400, 421)
    two = GET + b"Host: evil.example\r\nConnection: close\r\n\r\n"
    assert raw.statuses(gateway.url, two)[0] in (400, 421)


def test_attack_14_a_head_that_is_too_large_is_told(gateway):
    for head in (b"X: " + b"a" * 70_000 + b"\r\n", b"".join(b"X-%d: a\r\n" % n for n in range(2000))):
        assert raw.statuses(gateway.url, GET + head + b"\r\n") == [431]


def test_attack_14_slow_clients_are_ended_and_others_do_not_wait_for_them(gateway):
    """Heads have 15 seconds and bodies 60; a hundred that never come to an end hold nobody up."""
    lines = [raw.Line(gateway.url, limit=40) for _ in range(100)]
    try:
        for line in lines:
            line.send(GET.replace(b"HOST", line.host.encode()) + b"X-Slow: a")
        done = threading.Event()

        def drip():
            while not done.wait(1):
                for line in lines:
                    try:
                        line.send(b"a")
                    except OSError:
                        pass

        dripping = threading.Thread(target=drip)
        dripping.start()
        assert web.post(f"{gateway.url}/v1/tasks", task(), limit=10).status == 201
        with ThreadPoolExecutor(20) as pool:
            found = list(pool.map(lambda line: line.statuses, lines))
        done.set()
        dripping.join()
        assert all(statuses in ([408], []) for statuses in found), found
        assert [408] in found
    finally:
        for line in lines:
            line.close()


# 15: floods

def test_attack_15_a_flood_of_tasks_meets_the_cap_and_is_told_when_to_come_again(programs, state, runtimes_file):
    gateway = programs.start("sd-gateway", "--state", state.directory, "--port", "0", "--queue-limit", "20")
    url = gateway.address()
    gateway.wait_for(lambda: web.answers(f"{url}/readyz"), 30, "readiness")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: web.post(f"{url}/v1/tasks", task()), range(200)))
    taken = [answer for answer in answers if answer.status == 201]
    refused = [answer for answer in answers if answer.status == 429]
    assert len(taken) + len(refused) == 200
    # Counts are a second old at most, and those who came at the same moment may pass together.
    assert 20 <= len(taken) <= 40
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert state.waiting("sdruntime") == len(taken)
    assert web.post(f"{url}/v1/tasks", task(runtime="sdruntime-job")).status == 201, "another runtime's queue has room"


# 20: local servers and browsers

def test_attack_20_only_loopback_is_listened_on(gateway):
    port = int(gateway.url.rsplit(":", 1)[1])
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as file:
            for line in file.read().splitlines()[1:]:
                local, state = line.split()[1], line.split()[3]
                if state == "0A" and int(local.rsplit(":", 1)[1], 16) == port:
                    listening.append(local.rsplit(":", 1)[0])
    assert listening == ["0100007F"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8811", "localhost.evil.example", "0.0.0.0"])
def test_attack_20_a_name_that_leads_to_loopback_is_not_answered(gateway, host):
    for path in ("/", "/v1/tasks", "/healthz", "/files/local/x"):
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        assert raw.statuses(gateway.url, request) == [421]


def test_attack_20_pages_of_other_origins_can_neither_post_nor_read(gateway):
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "file://"):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
            before = len(gateway.state.records())
            answer = web.post(f"{gateway.url}/v1/tasks", json.dumps(task()).encode(),
                              headers={"Origin": origin, "Content-Type": kind})
            assert answer.status == 403 and len(gateway.state.records()) == before
        preflight = web.request("OPTIONS", f"{gateway.url}/v1/tasks", headers={
            "Origin": origin, "Access-Control-Request-Method": "POST"})
        read = web.get(f"{gateway.url}/v1/tasks", headers={"Origin": origin})
        for answer in (preflight, read):
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
