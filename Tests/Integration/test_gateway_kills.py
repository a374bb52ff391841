"""A gateway that is killed under load: whoever was told that a task is taken can rely on it."""

import http.client
import json
import threading
import urllib.parse

from support import web
from support.waiting import wait_until

CLIENTS = 8
KILLS = 4


class Client(threading.Thread):
    """Submits one task after the other, over connections that it keeps, and remembers which were taken."""

    def __init__(self, number, address, stop):
        super().__init__(daemon=True)
        self.number, self.address, self.stop = number, address, stop
        self.taken, self.unknown = [], []

    def run(self):
        connection, count = None, 0
        while not self.stop.is_set():
            task, count = f"kill-{self.number}-{count}", count + 1
            body = json.dumps({"id": task, "runtime": "sdruntime", "type": "text-to-image", "content": {"prompt": task}})
            try:
                if connection is None:
                    address = urllib.parse.urlsplit(self.address[0])
                    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
                connection.request("POST", "/v1/tasks", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 201, answer.status
                self.taken.append(task)
            except (OSError, http.client.HTTPException):
                # Nobody knows whether it was taken.
                self.unknown.append(task)
                connection.close() if connection else None
                connection = None
                self.stop.wait(0.02)


def test_every_accepted_task_is_in_the_queue_after_kills_under_load(programs, state, runtimes_file):
    def start():
        gateway = programs.start("sd-gateway", "--state", state.directory, "--port", "0")
        gateway.url = gateway.address()
        return gateway

    gateway = start()
    address, stop = [gateway.url], threading.Event()
    clients = [Client(number, address, stop) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        for _ in range(KILLS):
            before = sum(len(client.taken) for client in clients)
            wait_until(lambda: sum(len(client.taken) for client in clients) >= before + 50, 60, "load")
            gateway.kill()
            gateway = start()
            address[0] = gateway.url
    finally:
        stop.set()
        for client in clients:
            client.join(40)
    taken = {task for client in clients for task in client.taken}
    unknown = {task for client in clients for task in client.unknown}
    assert len(taken) >= 50 * KILLS
    records = {record.task: record for record in state.records()}
    queued = [json.loads(body)["metadata"]["id"] for body in state.bodies("sdruntime")]
    assert taken <= set(queued), f"lost: {sorted(taken - set(queued))[:5]}"
    assert taken <= set(records) and all(record.state == "queued" for record in records.values())
    # Record and message are one: neither is there without the other, and nothing is there twice.
    assert sorted(queued) == sorted(records)
    assert set(records) - taken <= unknown
    # What nobody knows of is found out by asking again: once more, and it is there once.
    for task in sorted(unknown)[:20]:
        body = {"id": task, "runtime": "sdruntime", "type": "text-to-image", "content": {"prompt": task}}
        assert web.post(f"{gateway.url}/v1/tasks", body).status in (200, 201)
        assert len([record for record in state.records() if record.task == task]) == 1
