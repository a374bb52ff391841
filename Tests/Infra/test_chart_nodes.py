"""Karpenter's part: which instances fit, which pods they take, and how many of them share one GPU."""

import tomllib

import pytest

from support import helm
from support.quantities import number, pod_requests

# vCPU, GiB and GPUs as EC2 states them for these types.
INSTANCES = {
    "g5.xlarge": (4, 16, 1), "g5.2xlarge": (8, 32, 1), "g6.2xlarge": (8, 32, 1), "g5.12xlarge": (48, 192, 4),
    "m5.xlarge": (4, 16, 0),
}
# What the pods that run on every node ask for: VPC CNI, kube-proxy, Pod Identity agent, CSI nodes, a log collector.
DAEMONS = {"cpu": 0.4, "memory": 700 * 2**20}

WITH_NODES = [name for name in helm.runtimes() if helm.render(name).all("NodePool")]


def labels(instance, capacity="spot", zone="us-west-2a"):
    return {
        "karpenter.sh/capacity-type": capacity, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": instance, "topology.kubernetes.io/zone": zone,
    }


def satisfied(requirement, node):
    values, value = requirement.get("values", []), node.get(requirement["key"])
    match requirement["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return value is not None and float(value) > float(values[0])
        case "Lt":
            return value is not None and float(value) < float(values[0])


def fits(pool, node):
    return all(satisfied(one, node) for one in pool["spec"]["template"]["spec"]["requirements"])


def allocatable(instance):
    """What a Bottlerocket node has for pods, as Karpenter reckons: 7.5 % of the memory for the hypervisor, the kubelet's
    reservations (6, 1, 0.5, 0.5, then 0.25 % of each core; 255 MiB and 11 a pod), 100 MiB before evictions."""
    cores, gibibytes, gpus = INSTANCES[instance]
    reserved = 0.06 + 0.01 * (cores > 1) + 0.005 * min(max(cores - 2, 0), 2) + 0.0025 * max(cores - 4, 0)
    pods = {4: 58, 8: 58, 48: 737}[cores]
    memory = gibibytes * 2**30 * 0.925 - (255 + 11 * pods + 100) * 2**20
    return {"cpu": cores - reserved, "memory": memory, "nvidia.com/gpu": gpus}


def tolerates(pod, taint):
    for toleration in pod["spec"]["tolerations"]:
        if toleration["key"] == taint["key"] and toleration.get("effect", taint["effect"]) == taint["effect"]:
            if toleration.get("operator", "Equal") == "Exists" or toleration.get("value") == taint.get("value"):
                return True
    return False


@pytest.mark.parametrize("name", WITH_NODES)
def test_pods_go_to_their_own_nodes_and_tolerate_them(name):
    manifests = helm.render(name)
    pool = manifests.one("NodePool")
    assert manifests.pod["spec"]["nodeSelector"]["karpenter.sh/nodepool"] == pool["metadata"]["name"]
    taints = pool["spec"]["template"]["spec"]["taints"]
    assert {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"} in taints
    assert all(tolerates(manifests.pod, taint) for taint in taints)
    assert not all(tolerates(helm.render("models-s3", "fullnameOverride=other").pod, taint) for taint in taints)
    reference = pool["spec"]["template"]["spec"]["nodeClassRef"]
    assert reference["name"] == manifests.one("EC2NodeClass")["metadata"]["name"]


def test_what_is_bought_is_what_was_asked_for():
    pool = helm.render("karpenter-snapshot").one("NodePool")
    assert fits(pool, labels("g5.xlarge")) and fits(pool, labels("g5.2xlarge", "on-demand"))
    assert not fits(pool, labels("m5.xlarge"))
    assert not fits(pool, labels("g5.xlarge", zone="us-west-2c"))
    assert not fits(pool, labels("g5.xlarge") | {"kubernetes.io/arch": "arm64"})
    spot = helm.render("karpenter-soci").one("NodePool")
    assert fits(spot, labels("g5.xlarge")) and not fits(spot, labels("g5.xlarge", "on-demand"))


@pytest.mark.parametrize("name", WITH_NODES)
def test_a_pod_fits_on_the_smallest_node_that_may_be_bought(name):
    manifests = helm.render(name)
    pool = manifests.one("NodePool")
    smallest = min((one for one in INSTANCES if fits(pool, labels(one))), key=lambda one: INSTANCES[one])
    room = allocatable(smallest)
    for resource in ("cpu", "memory"):
        assert pod_requests(manifests.pod["spec"], resource) + DAEMONS[resource] <= room[resource], smallest
    assert pod_requests(manifests.pod["spec"], "nvidia.com/gpu") <= room["nvidia.com/gpu"]


@pytest.mark.parametrize("name", WITH_NODES)
def test_tasks_are_not_moved_and_nodes_not_kept(name):
    disruption = helm.render(name).one("NodePool")["spec"]["disruption"]
    wanted = "WhenEmptyOrUnderutilized" if name == "karpenter-snapshot" else "WhenEmpty"
    assert disruption["consolidationPolicy"] == wanted
    assert disruption["consolidateAfter"] != "Never"


@pytest.mark.parametrize("name", WITH_NODES)
def test_nodes_are_locked_up(name):
    node = helm.render(name).one("EC2NodeClass")["spec"]
    assert node["metadataOptions"]["httpTokens"] == "required"
    assert node["metadataOptions"]["httpPutResponseHopLimit"] == 1, "pods do not reach the node's credentials"
    assert all(one["ebs"]["encrypted"] is True for one in node["blockDeviceMappings"])
    assert ("role" in node) != ("instanceProfile" in node)


def test_images_come_with_the_volume_or_in_parallel():
    devices = {one["deviceName"]: one["ebs"]
               for one in helm.render("karpenter-snapshot").one("EC2NodeClass")["spec"]["blockDeviceMappings"]}
    assert devices["/dev/xvdb"] == {
        "snapshotID": "snap-0123456789abcdef0", "volumeSize": "120Gi", "volumeType": "gp3", "deleteOnTermination": True,
        "encrypted": True, "iops": 6000, "throughput": 1000, "volumeInitializationRate": 300,
    }
    node = helm.render("karpenter-soci").one("EC2NodeClass")["spec"]
    settings = tomllib.loads(node["userData"])["settings"]
    assert settings["container-runtime"]["snapshotter"] == "soci"
    assert settings["kubernetes"]["node-labels"] == {"runtime-name": helm.RELEASE}
    assert [one["deviceName"] for one in node["blockDeviceMappings"]] == ["/dev/xvda"]


@pytest.mark.parametrize("name", WITH_NODES)
def test_user_data_is_toml_with_every_table_once(name):
    node = helm.render(name).one("EC2NodeClass")["spec"]
    if "userData" in node:
        assert tomllib.loads(node["userData"])["settings"]
    assert (name in ("karpenter-al2023", "karpenter-snapshot", "legacy-first")) == ("userData" not in node)


class TestSharedGPU:
    """Four pods on one GPU, a fifth brings a node, its end removes it (docs/gpu-slicing.md)."""

    def node_after(self, name):
        manifests = helm.render(name)
        node = manifests.one("EC2NodeClass")["spec"]
        nvidia = tomllib.loads(node["userData"])["settings"]["kubelet-device-plugins"]["nvidia"]
        sharing = nvidia[nvidia["device-sharing-strategy"]]
        assert sharing["rename-by-default"] is False, "pods ask for nvidia.com/gpu"
        return manifests, allocatable("g5.xlarge") | {"nvidia.com/gpu": sharing["replicas"]}

    def how_many(self, manifests, room):
        """Pods of this runtime on one node: what the scarcest resource allows."""
        spec = manifests.pod["spec"]
        return {
            resource: int((room[resource] - DAEMONS.get(resource, 0)) // pod_requests(spec, resource))
            for resource in ("cpu", "memory", "nvidia.com/gpu")
        }

    def test_four_fit_and_only_the_gpu_says_no_to_a_fifth(self):
        manifests, room = self.node_after("gpu-time-slicing")
        counts = self.how_many(manifests, room)
        assert counts["nvidia.com/gpu"] == 4
        assert counts["cpu"] >= 4 and counts["memory"] >= 4, counts

    def test_limits_do_not_promise_more_memory_than_there_is(self):
        manifests, room = self.node_after("gpu-time-slicing")
        limits = sum(number(one["resources"]["limits"]["memory"]) for one in manifests.containers.values()
                     if one["name"] in ("engine", "agent", "collector"))
        assert 4 * limits <= room["memory"] * 1.25

    def test_the_references_requests_spill_the_fourth_pod(self):
        """The walk of the first chart before: 500m for the engine and 500m for its agent, four of which do not fit."""
        manifests = helm.render("legacy-first")
        counts = self.how_many(manifests, allocatable("g5.xlarge") | {"nvidia.com/gpu": 4})
        assert counts["cpu"] == 3 and counts["nvidia.com/gpu"] == 4

    def test_karpenter_is_told_of_the_slices(self):
        manifests, _ = self.node_after("gpu-time-slicing")
        pool = manifests.one("NodePool")["metadata"]["name"]
        told = {}
        for overlay in manifests.all("NodeOverlay"):
            requirements = {one["key"]: one["values"] for one in overlay["spec"]["requirements"]}
            assert requirements["karpenter.sh/nodepool"] == [pool]
            [gpus] = requirements["karpenter.k8s.aws/instance-gpu-count"]
            told[int(gpus)] = overlay["spec"]["capacity"]
        assert told == {count: {"nvidia.com/gpu": str(4 * count)} for count in (1, 2, 4, 8)}
        assert not helm.render("karpenter-snapshot").all("NodeOverlay")

    def test_five_tasks_make_five_pods_and_two_nodes(self):
        from support import keda
        manifests, room = self.node_after("gpu-time-slicing")
        pods = keda.replicas(manifests.one("ScaledObject"), keda.Queue(waiting=5))
        slots = min(self.how_many(manifests, room).values())
        assert pods == 5 and -(-pods // slots) == 2 and -(-4 // slots) == 1
        assert manifests.one("NodePool")["spec"]["disruption"]["consolidationPolicy"] == "WhenEmpty"

    def test_mps_shares_likewise(self):
        _, room = self.node_after("gpu-mps")
        assert room["nvidia.com/gpu"] == 2
