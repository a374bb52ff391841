#!/usr/bin/env python3
"""A plain queue over Python's sqlite3: what one writes in an afternoon. The measure for queue-benchmark.

4 producers and 4 consumers, each with a connection of its own, move messages through send, receive and complete in
batches of 10. Prints one line of JSON.

    sqlite_queue.py DIRECTORY durable|relaxed SECONDS
"""
import json
import os
import sqlite3
import sys
import threading
import time
import uuid

BATCH = 10
BODY = b"x" * 1000


def connect(path, mode):
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=" + ("FULL" if mode == "durable" else "NORMAL"))
    return db


def produce(path, mode, stop):
    db = connect(path, mode)
    while not stop.is_set():
        if db.execute("SELECT count(*) FROM (SELECT 1 FROM message LIMIT 2000)").fetchone()[0] >= 2000:
            time.sleep(0.001)
            continue
        db.execute("BEGIN IMMEDIATE")
        db.executemany(
            "INSERT INTO message (id, visible, body) VALUES (?, 0, ?)", [(str(uuid.uuid4()), BODY) for _ in range(BATCH)]
        )
        db.execute("COMMIT")


def consume(path, mode, stop, counts, index):
    db = connect(path, mode)
    while not stop.is_set():
        now = time.time()
        db.execute("BEGIN IMMEDIATE")
        rows = db.execute(
            "SELECT seq, body FROM message WHERE visible <= ? ORDER BY visible, seq LIMIT ?", (now, BATCH)
        ).fetchall()
        db.executemany("UPDATE message SET visible = ? WHERE seq = ?", [(now + 30, row[0]) for row in rows])
        db.execute("COMMIT")
        if not rows:
            time.sleep(0.001)
            continue
        db.execute("BEGIN IMMEDIATE")
        db.executemany("DELETE FROM message WHERE seq = ?", [(row[0],) for row in rows])
        db.execute("COMMIT")
        counts[index] += len(rows)


def main():
    directory, mode, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    path = os.path.join(directory, "python.sqlite")
    db = connect(path, mode)
    db.execute("CREATE TABLE IF NOT EXISTS message (seq INTEGER PRIMARY KEY, id TEXT, visible REAL, body BLOB)")
    db.execute("CREATE INDEX IF NOT EXISTS message_visible ON message (visible, seq)")
    stop, counts = threading.Event(), [0] * 4
    threads = [threading.Thread(target=produce, args=(path, mode, stop)) for _ in range(4)]
    threads += [threading.Thread(target=consume, args=(path, mode, stop, counts, n)) for n in range(4)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    print(json.dumps({"messages_per_second": sum(counts) / (time.monotonic() - start)}))


main()
