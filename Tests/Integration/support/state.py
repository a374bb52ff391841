"""A state directory as it lies on the disk, read without the programs that write it."""

import hashlib
import json
import pathlib
import secrets
import sqlite3
import struct
import time
import urllib.parse
from dataclasses import dataclass

ENDED = {"succeeded", "failed", "cancelled", "expired"}


@dataclass
class Record:
    """One run of a task, as the ledger has it."""

    task: str
    run: int
    state: str
    revision: int
    json: dict

    @property
    def name(self):
        """As logs say it."""
        return self.task if self.run == 1 else f"{self.task}/{self.run}"

    @property
    def outputs(self):
        return self.json["outputs"]

    @property
    def notice(self):
        notice = self.json.get("notice")
        return json.loads(notice["body"]) if notice else None

    @property
    def stem(self):
        return f"{self.json['folder']}/{self.task}" + ("" if self.run == 1 else f"-r{self.run}")


@dataclass
class Notification:
    """A publication in a queue that subscribes to a topic, in SNS's envelope."""

    body: str
    attributes: dict


class State:
    def __init__(self, directory, bucket="local"):
        self.directory = pathlib.Path(directory)
        self.objects = self.directory / "objects" / bucket

    def _connect(self, write=False):
        mode = "rw" if write else "ro"
        path = urllib.parse.quote(str(self.directory / "state.sqlite"))
        return sqlite3.connect(f"file:{path}?mode={mode}", uri=True, timeout=20)

    def _rows(self, query, arguments=()):
        database = self._connect()
        try:
            return database.execute(query, arguments).fetchall()
        finally:
            database.close()

    # Records

    def records(self):
        rows = self._rows("SELECT task, run, state, revision, json FROM record ORDER BY id")
        return [Record(task, run, state, revision, json.loads(text)) for task, run, state, revision, text in rows]

    def record(self, task, run=1):
        return next((each for each in self.records() if each.task == task and each.run == run), None)

    def ended(self):
        marks = ",".join("?" * len(ENDED))
        return self._rows(f"SELECT count(*) FROM record WHERE state IN ({marks})", tuple(ENDED))[0][0]

    # Queues

    def waiting(self, queue):
        """Messages that a queue holds, leased ones too."""
        return self._rows(
            "SELECT count(*) FROM message m JOIN queue q ON q.id = m.queue WHERE q.name = ?", (queue,))[0][0]

    def queues(self):
        return [name for (name,) in self._rows("SELECT name FROM queue")]

    def bodies(self, queue):
        """What the messages of a queue say, in their order, as it was sent."""
        rows = self._rows(
            "SELECT p.body FROM payload p JOIN message m ON m.seq = p.seq JOIN queue q ON q.id = m.queue "
            "WHERE q.name = ? ORDER BY m.seq", (queue,))
        return [body for (body,) in rows]

    def notifications(self, queue):
        envelopes = [json.loads(body) for body in self.bodies(queue)]
        return [
            Notification(each["Message"], {name: value["Value"] for name, value in each.get("MessageAttributes", {}).items()})
            for each in envelopes]

    def put(self, queue, body):
        """Puts a message into a queue as no door would; its id."""
        message, body = secrets.token_hex(16), body.encode()
        digest = hashlib.sha256()
        for field in (message.encode(), b"", b"", body):
            digest.update(struct.pack("<I", len(field)) + field)
        database = self._connect(write=True)
        try:
            with database:
                (number,) = database.execute("SELECT id FROM queue WHERE name = ?", (queue,)).fetchone()
                row = database.execute(
                    "INSERT INTO message (queue, due, rank, sent) VALUES (?, 0, 0, ?)", (number, time.time_ns() // 1_000_000))
                database.execute(
                    "INSERT INTO payload (seq, id, grp, attributes, digest, body) VALUES (?, ?, NULL, ?, ?, ?)",
                    (row.lastrowid, message, b"", digest.digest(), body))
        finally:
            database.close()
        return message

    def listen(self, queue, topic="events"):
        """Has a queue collect whatever a topic publishes from now on, for all processes."""
        database = self._connect(write=True)
        try:
            with database:
                database.execute("INSERT OR IGNORE INTO queue (name, fifo) VALUES (?, 0)", (queue,))
                database.execute(
                    "INSERT OR REPLACE INTO subscription (topic, queue, scope, policy, raw) VALUES (?, ?, NULL, NULL, 0)",
                    (topic, queue))
                # A new name, so that no process takes what it knows for what is there.
                database.execute(
                    "INSERT OR REPLACE INTO meta (name, value) VALUES ('subscriptions', ?)", (secrets.token_hex(8),))
        finally:
            database.close()

    # Objects

    def keys(self):
        """Keys of all objects. A descriptor without its object counts as one: it is as stray."""
        keys = []
        for path in sorted(self.objects.rglob("*")):
            parts = path.relative_to(self.objects).parts
            if path.is_dir() or parts[0] in (".tmp", ".locks"):
                continue
            if path.name.startswith("."):
                if not path.with_name(path.name[1:]).exists():
                    keys.append("/".join(parts))
                continue
            keys.append("/".join(decoded(part) for part in parts))
        return keys

    def object(self, key):
        folders, name = key.split("/")[:-1], key.split("/")[-1]
        path = self.objects.joinpath(*(each + "%" if "." in each else each for each in folders))
        return (path / (name if "." in name else name + "%")).read_bytes()

    def unfinished_writes(self):
        """Files of writers that died while writing; nobody ever sees them, and the next to open the store removes them."""
        folder = self.objects / ".tmp"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def decoded(name):
    """A name on the disk as the segment of a key that it stands for, for the plain names that tests use."""
    return urllib.parse.unquote(name[:-1] if name.endswith("%") else name)
