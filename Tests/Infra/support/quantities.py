"""Kubernetes' quantities as numbers."""

SUFFIXES = {"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def number(quantity):
    text = str(quantity)
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if text.endswith(suffix):
            return float(text.removesuffix(suffix)) * SUFFIXES[suffix]
    return float(text)


def pod_requests(spec, resource):
    """What the scheduler counts for a pod: its containers and native sidecars, or an init container if that needs more."""
    def of(container):
        resources = container.get("resources", {})
        return number(resources.get("requests", {}).get(resource, resources.get("limits", {}).get(resource, 0)))

    running = sum(of(one) for one in spec["containers"])
    beside = 0
    most = 0
    for one in spec.get("initContainers", []):
        if one.get("restartPolicy") == "Always":
            beside += of(one)
        else:
            most = max(most, beside + of(one))
    return max(running + beside, most)
