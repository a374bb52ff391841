"""How many pods KEDA asks for, by the formulas of its source (2.20: pkg/scalers/aws_sqs_queue_scaler.go,
pkg/scaling/executor/scale_jobs.go, and Kubernetes' horizontal pod autoscaler for an external metric's average)."""

import dataclasses
import math


@dataclasses.dataclass
class Queue:
    """What SQS says of a queue."""

    waiting: int = 0
    in_flight: int = 0
    delayed: int = 0


@dataclasses.dataclass
class Trigger:
    """An aws-sqs-queue trigger, read from rendered metadata."""

    target: int
    activation: int
    counts_in_flight: bool
    counts_delayed: bool

    @classmethod
    def read(cls, trigger):
        metadata = trigger["metadata"]
        assert all(isinstance(value, str) for value in metadata.values()), "metadata are strings"
        return cls(
            target=int(metadata.get("queueLength", "5")), activation=int(metadata.get("activationQueueLength", "0")),
            counts_in_flight=metadata.get("scaleOnInFlight", "true") == "true",
            counts_delayed=metadata.get("scaleOnDelayed", "false") == "true")

    def messages(self, queue):
        return (queue.waiting + (queue.in_flight if self.counts_in_flight else 0)
                + (queue.delayed if self.counts_delayed else 0))

    def is_active(self, queue):
        return self.messages(queue) > self.activation


def replicas(scaled_object, queue, current=0):
    """The pods that a ScaledObject ends up with for a queue, its cooldown over."""
    spec = scaled_object["spec"]
    trigger = Trigger.read(spec["triggers"][0])
    least, most = spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", 100)
    if not trigger.is_active(queue):
        return least
    messages = trigger.messages(queue)
    if current and abs(messages / (trigger.target * current) - 1) <= 0.1:
        return current
    return min(max(math.ceil(messages / trigger.target), least, 1), most)


@dataclasses.dataclass
class Jobs:
    """Jobs that have not ended; the pending ones have no running pod yet."""

    unfinished: int = 0
    pending: int = 0


def new_jobs(scaled_job, queue, jobs=Jobs()):
    """The jobs that a ScaledJob starts at one look at the queue."""
    spec = scaled_job["spec"]
    trigger = Trigger.read(spec["triggers"][0])
    least, most = spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", 100)
    if jobs.unfinished < least:
        return least - jobs.unfinished
    if not trigger.is_active(queue):
        return 0
    messages = trigger.messages(queue)
    wanted = min(most, math.ceil(messages / trigger.target))
    strategy = spec.get("scalingStrategy", {}).get("strategy", "default")
    running = jobs.unfinished - least
    if strategy == "accurate":
        effective = most - running if wanted + running > most else wanted - jobs.pending
    elif strategy == "eager":
        effective = min(most - running - jobs.pending, wanted)
    else:
        effective = wanted - running
    return max(0, min(messages, effective))
