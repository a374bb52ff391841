#!/usr/bin/env python3
"""Compares what was submitted with what lies in a state directory when everything has come to rest.

What must hold, whatever was killed meanwhile: nothing is lost; every task has one set of results, whole; no object is
there that no record knows; every end was announced, always in the same words; no engine was started for a run whose
results were durable.

    checker.py STATE [--ids FILE] [--notices QUEUE] [--log FILE]...
"""

import argparse
import collections
import hashlib
import json
import pathlib
import sys
from dataclasses import dataclass, field
from datetime import datetime

from support.pictures import read_png
from support.processes import json_lines
from support.state import ENDED, State

# Bytes: a notice that would be longer leaves out what its `.out` has.
LONGEST_NOTICE = 200 << 10


@dataclass
class Report:
    """What was found. `problems` breaks a promise; `counts` is for people."""

    problems: list = field(default_factory=list)
    counts: collections.Counter = field(default_factory=collections.Counter)

    def __str__(self):
        counts = ", ".join(f"{name} {count}" for name, count in self.counts.items())
        shown = self.problems[:40] + ([f"... {len(self.problems) - 40} more"] if len(self.problems) > 40 else [])
        return "\n".join([counts, *shown])


class Checker:
    """The checks; `expected` maps the ids that were submitted to how many pictures each asked for, or to the state that
    it must end in, or to `None` where any end will do.

    `state` is a directory or what stands for one (`CloudState`); `letters` how many dead letters there must be, and `runs`
    how many runs tasks must have that were submitted more than once.
    """

    def __init__(self, state, expected, notices=None, logs=(), runtimes=("sdruntime",), letters=0, runs=None):
        self.state = State(state) if isinstance(state, (str, pathlib.Path)) else state
        self.expected = expected
        self.letters, self.runs = letters, runs or {}
        self.notices = notices
        self.logs = [pathlib.Path(path) for path in logs]
        self.runtimes = runtimes
        self.report = Report()

    def check(self):
        records = self.state.records()
        self.check_tasks(records)
        self.check_objects(records)
        self.check_queues()
        if self.notices:
            self.check_notices(records)
        if self.logs:
            self.check_engine(records)
        return self.report

    def problem(self, text):
        self.report.problems.append(text)

    def check_tasks(self, records):
        """Nothing lost, nothing twice, nothing that nobody asked for."""
        runs = collections.defaultdict(list)
        for record in records:
            runs[record.task].append(record)
            self.report.counts[record.state] += 1
            if record.state not in ENDED:
                self.problem(f"{record.name} is {record.state}")
        for task in sorted(self.expected.keys() - runs.keys()):
            self.problem(f"{task} was submitted and has no record")
        for task in sorted(runs.keys() - self.expected.keys()):
            self.problem(f"{task} has a record and was never submitted")
        for task, wanted in sorted(self.expected.items()):
            if runs[task] and len(runs[task]) != self.runs.get(task, 1):
                self.problem(f"{task} was submitted for {self.runs.get(task, 1)} runs and has {len(runs[task])}")
            for record in runs[task] if wanted is not None else ():
                if isinstance(wanted, str):
                    if record.state != wanted or record.outputs:
                        self.problem(f"{record.name} is {record.state} with {len(record.outputs)} results, not {wanted}")
                elif record.state != "succeeded":
                    self.problem(f"{record.name} is {record.state}: {record.json.get('error')}")
                elif len(record.outputs) != wanted:
                    self.problem(f"{record.name} has {len(record.outputs)} results, {wanted} were asked for")

    def check_objects(self, records):
        """What records list is there and whole, and besides it nothing but the papers that go with it."""
        keys = set(self.state.keys())
        known = set()
        for record in records:
            for output in record.outputs:
                known.add(output["key"])
                if output["key"] not in keys:
                    self.problem(f"{record.name} lists {output['key']}, which is not there")
                    continue
                data = self.state.object(output["key"])
                if len(data) != output["bytes"] or hashlib.sha256(data).hexdigest() != output["sha256"]:
                    self.problem(f"{output['key']} is not what {record.name} lists")
                if small := output.get("thumbnail"):
                    known.add(small["key"])
                    if small["key"] not in keys:
                        self.problem(f"{record.name} lists {small['key']}, which is not there")
                if output["contentType"] == "image/png":
                    try:
                        read_png(data)
                    except ValueError as error:
                        self.problem(f"{output['key']} is no whole PNG: {error}")
            if record.state in ENDED:
                known.add(f"{record.stem}.out")
                if f"{record.stem}.out" not in keys:
                    self.problem(f"{record.name} has ended and has no {record.stem}.out")
            if record.state == "succeeded":
                known.add(f"{record.stem}.json")
                if f"{record.stem}.json" not in keys:
                    self.problem(f"{record.name} has succeeded and has no manifest")
                elif f"{record.stem}.out" in keys:
                    self.check_answer(record)
        for key in sorted(keys - known):
            self.problem(f"stray object {key}")
        self.report.counts["objects"] = len(keys)

    def check_answer(self, record):
        """The answer beside the pictures tells what the engine told, whoever wrote it; in v1alpha1 it is the notice."""
        text = self.state.object(f"{record.stem}.out")
        answer = json.loads(text)
        if record.json["api"] == "v1alpha1":
            if answer != record.notice and len(text) < LONGEST_NOTICE:
                self.problem(f"{record.stem}.out is not the notice of {record.name}")
            return
        if record.json["type"] == "pipeline":
            return
        told = json.loads(self.state.object(f"{record.stem}.json"))["engine"]["parameters"]
        lost = [name for name in told if name not in answer["parameters"]]
        if lost:
            self.problem(f"{record.stem}.out lacks what the engine told: {', '.join(sorted(lost))}")

    def check_queues(self):
        for runtime in self.runtimes:
            if left := self.state.waiting(runtime):
                self.problem(f"queue {runtime} still holds {left} messages")
            if (letters := self.state.waiting(f"{runtime}-dlq")) != self.letters:
                self.problem(f"{letters} messages of {runtime} were dead-lettered, {self.letters} had to be")

    def check_notices(self, records):
        """Each end was announced, at least once, and word for word the same."""
        told = collections.defaultdict(list)
        for notification in self.state.notifications(self.notices):
            told[notification.attributes.get("notice_id")].append(notification.body)
        ends = {f"{record.task}/{record.run}/{record.state}": record for record in records if record.state in ENDED}
        for notice_id, record in sorted(ends.items()):
            bodies = told.get(notice_id, [])
            if not bodies:
                self.problem(f"{record.name} has ended as {record.state} and was not announced")
            if len(set(bodies)) > 1:
                self.problem(f"{notice_id} was announced in {len(set(bodies))} different wordings")
            if bodies and bodies[0] != record.json["notice"]["body"]:
                self.problem(f"{notice_id} was announced in other words than its record has")
        for notice_id in sorted(told.keys() - ends.keys(), key=str):
            self.problem(f"{notice_id} was announced, and no record has ended so")
        self.report.counts["notices"] = sum(map(len, told.values()))
        self.report.counts["notices repeated"] = sum(len(bodies) - 1 for bodies in told.values())

    def check_engine(self, records):
        """No engine starts for what had been committed; every success had a start."""
        starts = collections.defaultdict(list)
        for path in self.logs:
            for event in json_lines(path):
                if event.get("message") == "engine started":
                    starts[event["task"]].append(moment(event["time"]))
        for record in records:
            times = starts.pop(record.name, [])
            if record.state == "succeeded" and not times:
                self.problem(f"{record.name} succeeded, and no agent's log knows of a start")
            if record.state in ENDED and record.json.get("finishedAt"):
                late = [time for time in times if time > moment(record.json["finishedAt"])]
                if late:
                    self.problem(f"the engine was started {len(late)} times for {record.name} after its results were durable")
            self.report.counts["engine starts"] += len(times)
            self.report.counts["engine starts repeated"] += max(0, len(times) - 1)
        for name in sorted(starts):
            self.problem(f"the engine was started for {name}, which has no record")


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("state")
    parser.add_argument("--ids", help="JSON: the submitted ids and how many pictures each asked for; else what is there")
    parser.add_argument("--notices", help="the queue that collected the notices")
    parser.add_argument("--log", action="append", default=[], help="an agent's JSON log")
    arguments = parser.parse_args()
    state = State(arguments.state)
    if arguments.ids:
        expected = json.loads(pathlib.Path(arguments.ids).read_text())
    else:
        expected = {record.task: len(record.outputs) for record in state.records()}
    report = Checker(state, expected, arguments.notices, arguments.log).check()
    print(report)
    sys.exit(1 if report.problems else 0)


if __name__ == "__main__":
    main()
