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


def counted(spec, queues):
    """The triggers of an object by name, each with the messages of the queue that it asks."""
    triggers = {one["name"]: Trigger.read(one) for one in spec["triggers"]}
    assert len(triggers) == len(spec["triggers"]), "names are unique"
    # A queue that no trigger asks is a queue that KEDA does not see.
    return {name: (trigger, trigger.messages(queues[name])) for name, trigger in triggers.items()}


def replicas(scaled_object, queue, current=0, urgent=Queue()):
    """The pods that a ScaledObject ends up with for its queues, its cooldown over.

    Each trigger is a metric of its own, and the highest number counts; a formula makes one metric of them
    (`pkg/scaling/scale_handler.go`: it is active where its value is above `activationTarget`).
    """
    spec = scaled_object["spec"]
    triggers = counted(spec, {"ordinary": queue, "urgent": urgent})
    if modifiers := spec["advanced"].get("scalingModifiers"):
        value = sum(triggers[name][1] for name in modifiers["formula"].split(" + "))
        metrics = [(float(modifiers["target"]), value, value > float(modifiers["activationTarget"]))]
    else:
        metrics = [(trigger.target, messages, messages > trigger.activation) for trigger, messages in triggers.values()]
    least, most = spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", 100)
    if not any(is_active for _, _, is_active in metrics):
        return least
    wanted = [current if current and abs(value / (target * current) - 1) <= 0.1 else math.ceil(value / target)
              for target, value, _ in metrics]
    return min(max(*wanted, least, 1), most)


@dataclasses.dataclass
class Jobs:
    """Jobs that have not ended; the pending ones have no running pod yet."""

    unfinished: int = 0
    pending: int = 0


def new_jobs(scaled_job, queue, jobs=Jobs(), urgent=Queue()):
    """The jobs that a ScaledJob starts at one look at its queues (`pkg/scaling/scaledjob`: the fullest one counts, or the
    sum of those that are active)."""
    spec = scaled_job["spec"]
    strategies = spec.get("scalingStrategy", {})
    triggers = [(trigger, messages) for trigger, messages in counted(spec, {"ordinary": queue, "urgent": urgent}).values()
                if messages > trigger.activation]
    least, most = spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", 100)
    if jobs.unfinished < least:
        return least - jobs.unfinished
    if not triggers:
        return 0
    together = {"max": max, "sum": sum}[strategies.get("multipleScalersCalculation", "max")]
    messages = together([messages for _, messages in triggers])
    wanted = min(most, math.ceil(together([messages / trigger.target for trigger, messages in triggers])))
    strategy = strategies.get("strategy", "default")
    running = jobs.unfinished - least
    if strategy == "accurate":
        effective = most - running if wanted + running > most else wanted - jobs.pending
    elif strategy == "eager":
        effective = min(most - running - jobs.pending, wanted)
    else:
        effective = wanted - running
    return max(0, min(messages, effective))
