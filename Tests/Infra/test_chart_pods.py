"""What matters of a runtime's pod: that it drains, that it is watched, that it has a GPU and no rights."""

import pytest

from support import helm, settings
from support.quantities import number

every_runtime = pytest.mark.parametrize("name", helm.runtimes())
OURS = ["agent", "collector", "xray-daemon", "models"]


def seconds(text):
    return int(text.removesuffix("s"))


@every_runtime
def test_the_pod_outlives_the_agents_grace(name):
    manifests = helm.render(name)
    grace = seconds(manifests.environment("agent")["SD_GRACE"])
    assert manifests.pod["spec"]["terminationGracePeriodSeconds"] >= grace + 10


@every_runtime
def test_the_agent_gets_settings_that_it_knows(name):
    given = settings.given(helm.render(name).environment("agent"))
    assert given <= settings.known(), given - settings.known()
    assert {"SD_RUNTIME", "SD_QUEUE", "SD_STORE", "SD_BACKEND", "SD_HEALTH_PORT"} <= given


@every_runtime
def test_the_engine_is_driven_where_it_listens(name):
    manifests = helm.render(name)
    port = manifests.containers["engine"]["ports"][0]["containerPort"]
    assert manifests.environment("agent")["SD_BACKEND"].endswith(f"+http://localhost:{port}")
    assert manifests.environment("engine")["ENGINE_PORT"] == str(port)


@every_runtime
def test_the_gpu_is_a_limit_and_only_the_engines(name):
    manifests = helm.render(name)
    resources = manifests.containers["engine"]["resources"]
    wanted = 0 if name == "without-gpu" else 1
    assert resources.get("limits", {}).get("nvidia.com/gpu", 0) == wanted
    assert resources["requests"].get("nvidia.com/gpu", 0) == wanted
    for container in manifests.containers.values():
        if container["name"] != "engine":
            assert "nvidia.com/gpu" not in str(container.get("resources"))


@every_runtime
def test_the_agents_memory_holds_its_budget(name):
    manifests = helm.render(name)
    budget = manifests.environment("agent")["SD_MEMORY_BUDGET"]
    limit = manifests.containers["agent"]["resources"].get("limits", {}).get("memory")
    if limit:
        assert number(limit) >= 2 * number(budget.removesuffix("B")), f"{limit} for a budget of {budget}"


@every_runtime
def test_the_engine_is_probed_by_a_path_that_answers_during_a_job(name):
    manifests = helm.render(name)
    engine = manifests.containers["engine"]
    paths = {"webui": "/sdapi/v1/options", "comfyui": "/prompt"}
    path = paths[manifests.environment("agent")["SD_BACKEND"].split("+")[0]]
    for kind in ("startupProbe", "livenessProbe"):
        probe = engine[kind]
        if "httpGet" in probe:
            assert probe["httpGet"]["path"] == path
        else:
            assert probe["exec"]["command"][-1] == f"http://127.0.0.1:{engine['ports'][0]['containerPort']}{path}"
    startup = engine["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 600, "a model takes its time to load"


@every_runtime
def test_the_agent_is_probed_at_its_health_port(name):
    agent = helm.render(name).containers["agent"]
    assert agent["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert agent["ports"] == [{"name": "health", "containerPort": 8081}]
    if "job" not in name and name != "legacy-first":
        assert agent["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}


@every_runtime
def test_sidecars_start_first_and_let_the_pod_end(name):
    spec = helm.render(name).pod["spec"]
    if name == "job-without-native-sidecars":
        assert {one["name"] for one in spec["containers"]} == {"agent", "engine", "xray-daemon"}
        assert spec["shareProcessNamespace"] is True
        assert helm.render(name).environment("agent")["SD_STOP_ENGINE"] == "true"
        assert helm.render(name).environment("agent")["SD_STOP_PROCESSES"] == "python3,xray"
        assert len({one["securityContext"]["runAsUser"] for one in spec["containers"]}) == 1
        return
    assert [one["name"] for one in spec["containers"]] == ["agent"]
    init = {one["name"]: one for one in spec["initContainers"]}
    assert init["engine"]["restartPolicy"] == "Always"
    assert list(init)[-1] == "engine"
    for name in ("guard", "models", "prepare"):
        assert "restartPolicy" not in init.get(name, {})


@every_runtime
def test_our_containers_have_no_rights(name):
    manifests = helm.render(name)
    for container in OURS:
        if container in manifests.containers:
            assert_restricted(manifests.containers[container]["securityContext"])
    if not name.startswith("legacy"):
        assert_restricted(manifests.containers["engine"]["securityContext"])
    for container in manifests.containers.values():
        assert container.get("securityContext", {}).get("privileged") is not True


def assert_restricted(context):
    assert context["runAsNonRoot"] is True and context["runAsUser"] > 0
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}


@every_runtime
def test_an_images_engine_without_rights_is_the_values_own_choice(name):
    """Images of the references run as root on a root file system that they write to: nothing else is given up for them."""
    if name.startswith("legacy"):
        context = helm.render(name).containers["engine"]["securityContext"]
        assert context == {"allowPrivilegeEscalation": False, "seccompProfile": {"type": "RuntimeDefault"}}


@every_runtime
def test_only_the_agent_has_a_token(name):
    manifests = helm.render(name)
    assert manifests.pod["spec"]["automountServiceAccountToken"] is False
    for container in manifests.containers.values():
        mounts = [mount["name"] for mount in container.get("volumeMounts", [])]
        assert ("kubernetes" in mounts) == (container["name"] == "agent" and name != "without-policies")
    assert manifests.environment("agent")["SD_MARK_POD"] == ("false" if name == "without-policies" else "true")
    assert manifests.pod["metadata"]["annotations"]["eks.amazonaws.com/skip-containers"] == "engine"


@every_runtime
def test_every_mount_has_a_volume_and_every_volume_a_mount(name):
    manifests = helm.render(name)
    volumes = [volume["name"] for volume in manifests.pod["spec"]["volumes"]]
    mounted = {mount["name"] for one in manifests.containers.values() for mount in one.get("volumeMounts", [])}
    assert len(volumes) == len(set(volumes)) and set(volumes) == mounted


@every_runtime
def test_every_empty_volume_has_a_bound(name):
    for volume in helm.render(name).pod["spec"]["volumes"]:
        if volume.get("emptyDir") is not None and volume["name"] != "scratch":
            assert volume["emptyDir"]["sizeLimit"]


def test_the_engine_reaches_nothing_by_default():
    manifests = helm.render("minimal")
    guard, engine = manifests.containers["guard"], manifests.containers["engine"]
    assert manifests.pod["spec"]["initContainers"][0] == guard
    assert guard["args"] == [str(engine["securityContext"]["runAsUser"])]
    assert guard["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["NET_ADMIN"]}
    assert engine["securityContext"]["runAsUser"] != manifests.containers["agent"]["securityContext"]["runAsUser"]
    assert manifests.environment("engine")["ENGINE_ADDRESS"] == "127.0.0.1"


def test_nobody_reaches_the_pod_but_who_reads_its_metrics():
    policy = helm.render("minimal").one("NetworkPolicy")["spec"]
    assert sorted(policy["policyTypes"]) == ["Egress", "Ingress"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "runtime"
    [rule] = policy["ingress"]
    assert [port["port"] for port in rule["ports"]] == [8081] and rule["from"]


@pytest.mark.parametrize("name", ["minimal", "gateway", "gateway-alone", "private-network", "otlp-endpoint"])
def test_the_pod_reaches_no_metadata_and_no_neighbour(name):
    private = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "127.0.0.0/8"}
    for policy in helm.render(name).all("NetworkPolicy"):
        for rule in policy["spec"]["egress"]:
            assert rule["ports"], "no rule is for every port"
            for peer in rule["to"]:
                block = peer.get("ipBlock", {})
                if block.get("cidr") == "0.0.0.0/0":
                    assert set(block["except"]) == private
                    assert {port["port"] for port in rule["ports"]} == {80, 443}
                    assert name != "private-network"


def test_private_networks_are_opened_by_name():
    egress = helm.render("private-network").one("NetworkPolicy")["spec"]["egress"]
    assert {"to": [{"ipBlock": {"cidr": "10.0.0.0/16"}}], "ports": [{"port": 443, "protocol": "TCP"}]} in egress
    assert any(rule["ports"] == [{"port": 8443, "protocol": "TCP"}] for rule in egress)


def test_jobs_keep_their_node_and_agents_mark_themselves():
    disrupt = "karpenter.sh/do-not-disrupt"
    assert helm.render("job").pod["metadata"]["annotations"][disrupt] == "true"
    assert disrupt not in helm.render("minimal").pod["metadata"]["annotations"]
    assert helm.render("without-policies").pod["metadata"]["annotations"][disrupt] == "true"
    [rule] = helm.render("minimal").one("Role")["rules"]
    assert rule == {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "patch"]}
    assert helm.render("without-policies").all("Role") == []


def test_a_job_is_tried_by_the_queue_and_not_by_kubernetes():
    job = helm.render("job").one("ScaledJob")["spec"]["jobTargetRef"]
    assert job["backoffLimit"] == 0 and "activeDeadlineSeconds" not in job
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert helm.render("job").containers["agent"]["image"] == "registry.example/sd/sd-job:0.1.0"
    assert helm.render("job").environment("agent")["SD_MAX_TASKS"] == "1"


def test_models_are_read_only_and_the_claims_own():
    for name, source in [("models-s3", "s3.csi.aws.com"), ("models-efs", "efs.csi.aws.com")]:
        manifests = helm.render(name)
        volume, claim = manifests.one("PersistentVolume"), manifests.one("PersistentVolumeClaim")
        assert volume["spec"]["csi"]["driver"] == source and volume["spec"]["csi"]["readOnly"] is True
        assert volume["spec"]["claimRef"] == {"namespace": helm.NAMESPACE, "name": claim["metadata"]["name"]}
        assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
        assert helm.NAMESPACE in volume["spec"]["csi"]["volumeHandle"] or source != "s3.csi.aws.com"
        mounts = manifests.containers["engine"]["volumeMounts"]
        assert {"name": "models", "mountPath": "/models", "readOnly": True} in mounts
    options = helm.render("models-s3").one("PersistentVolume")["spec"]["mountOptions"]
    assert options == ["read-only", "allow-other", "region us-west-2", "prefix models/", "metadata-ttl 300"]


def test_models_are_pulled_before_the_engine_starts():
    manifests = helm.render("models-pull")
    order = [one["name"] for one in manifests.pod["spec"]["initContainers"]]
    assert order.index("models") < order.index("engine")
    assert manifests.containers["models"]["args"] == ["models", "pull", "s3://sd-models/models/", "/models"]


def test_images_go_by_digest_where_there_is_one():
    manifests = helm.render("digests")
    assert manifests.containers["agent"]["image"] == "registry.example/sd/sd-agent@sha256:" + "2" * 64
    assert manifests.containers["collector"]["image"].endswith("/aws-otel-collector@sha256:" + "4" * 64)


def test_the_gateway_is_ready_for_the_world():
    manifests = helm.render("gateway")
    deployment = manifests.one("Deployment", "-gateway")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    # System nodes of infra/cluster.yaml are arm64 unless told otherwise, our images amd64.
    assert deployment["spec"]["template"]["spec"]["nodeSelector"] == {"kubernetes.io/arch": "amd64"}
    assert_restricted(container["securityContext"])
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    environment = {one["name"]: one.get("value") for one in container["env"]}
    assert (environment["SD_HOST"], environment["SD_PORT"]) == ("0.0.0.0", "8080")
    assert environment["SD_PUBLIC_URL"] == "https://pictures.example"
    assert environment["SD_API_KEYS"] == "/etc/sd-keys/keys.yaml" and environment["SD_PROXIES"] == "1"
    assert environment["SD_WEBHOOK_SECRET"] == "@/etc/sd-webhooks/secret" and environment["SD_DASHBOARD"] == "true"
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts == {"runtimes": "/etc/sd", "tmp": "/tmp", "api-keys": "/etc/sd-keys", "webhooks": "/etc/sd-webhooks"}
    assert {volume["name"] for volume in deployment["spec"]["template"]["spec"]["volumes"]} == mounts.keys()
    backend = manifests.one("Ingress")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend["name"] == manifests.one("Service", "-gateway")["metadata"]["name"]
