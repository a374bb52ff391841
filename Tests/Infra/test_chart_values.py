"""The values themselves: every one commented and described, wrong ones refused, old names taken."""

import json
import re
import subprocess

import pytest

from support import helm, strictyaml
from support.paths import CHART, CI_VALUES, ROOT, feature

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = strictyaml.load((CHART / "values.yaml").read_text())
MINIMAL = CHART / "ci" / "minimal-values.yaml"


def test_every_value_has_a_comment():
    """The README is made from the comments; a value without one fails there by name."""
    result = subprocess.run([ROOT / "scripts" / "chart-readme", "--check"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def described(schema, values, path=""):
    for name, value in values.items():
        inner = schema.get("properties", {}).get(name)
        assert inner is not None, f"{path}{name} is not in the schema"
        if isinstance(value, dict) and "properties" in inner:
            assert inner["additionalProperties"] is (f"{path}{name}" == "global"), f"{path}{name} takes unknown names"
            described(inner, value, f"{path}{name}.")


def test_every_value_is_described_and_no_other_is_taken():
    assert SCHEMA["additionalProperties"] is False
    described(SCHEMA, VALUES)


def test_the_gateway_can_be_told_all_that_its_file_of_runtimes_may_hold():
    """The keys are those of the reader."""
    reader = (ROOT / "Sources" / "SDRuntime" / "Catalog" / "RuntimeCatalog+YAML.swift").read_text()
    known = re.findall(r'"([a-z-]+)"', re.search(r"let known = \[([^\]]+)\]", reader)[1])
    items = SCHEMA["properties"]["gateway"]["properties"]["runtimes"]["items"]["properties"]
    assert sorted(items) == sorted(known)


def test_every_value_is_shown_or_used_by_a_feature():
    """A value that no template reads is a promise that nobody keeps."""
    templates = "".join(path.read_text() for path in sorted((CHART / "templates").iterdir()))
    templates += (CHART / "alerts" / "runtime.yaml").read_text()

    # What is handed on to Kubernetes as it stands.
    whole = {"osVolume", "dataVolume", "resources", "securityContext", "labels", "limits", "metricsNamespaceLabels",
             "nodeSelector"}

    def leaves(values, path=()):
        for name, value in values.items():
            if isinstance(value, dict) and value and name not in whole:
                yield from leaves(value, path + (name,))
            else:
                yield path + (name,)

    for path in leaves(VALUES):
        assert re.search(rf"\.{path[-1]}\b", templates), ".".join(path)


@pytest.mark.parametrize("setting,message", [
    ("mode=pods", "mode"),
    ("scaling.queueLenght=3", "queueLenght"),
    ("scaling.queueLength=0", "queueLength"),
    ("agent.healthPort=0", "healthPort"),
    ("engine.kind=a1111", "kind"),
    ("store.uri=sd-output", "uri"),
    ("gpu.sharing.strategy=mig", "strategy"),
    ("karpenter.nodeClass.dataVolume.volumeInitializationRate=50", "volumeInitializationRate"),
    ("agent.image.digest=sha256:12", "digest"),
])
def test_what_no_value_can_be_is_refused_by_the_schema(setting, message):
    assert message in helm.refusal(MINIMAL, setting)


@pytest.mark.parametrize("settings,message", [
    (["images.registry="], "make images push REGISTRY="),
    (["queue.url="], "QueueUrl"),
    (["store.uri="], "OutputBucketName"),
    (["global.awsRegion="], "global.awsRegion is empty"),
    (["engine.model="], "engine.dynamicModel"),
    (["pod.terminationGracePeriodSeconds=60"], "exceed agent.graceSeconds (90)"),
    (["engine.securityContext.runAsUser=null"], "engine.securityContext.runAsUser"),
    (["engine.securityContext.runAsUser=10001"], "cut off the agent too"),
    (["scaling.minReplicaCount=3", "scaling.maxReplicaCount=2"], "above scaling.maxReplicaCount"),
    (["scaling.authentication.create=false"], "existing TriggerAuthentication"),
    (["mode=job", "scaling.enabled=false"], "nobody would start the jobs"),
    (["models.source=s3"], "models.s3.bucket"),
    (["models.source=efs"], "models.efs.fileSystemId"),
    (["models.source=claim"], "models.claim.name"),
    (["models.source=pull"], "models.pull.uri"),
    (["models.source=s3", "models.s3.bucket=b", "models.s3.prefix=models"], "end with a slash"),
    (["karpenter.enabled=true", "karpenter.nodeClass.role=r"], "karpenter.clusterName"),
    (["karpenter.enabled=true", "karpenter.clusterName=c"], "one of karpenter.nodeClass.role"),
    (["karpenter.enabled=true", "karpenter.clusterName=c", "karpenter.nodeClass.role=r",
      "karpenter.nodeClass.amiFamily=Custom"], "amiSelectorTerms"),
    (["mode=none"], "would hold nothing"),
    (["gateway.enabled=true"], "InputTopicArn"),
    (["gateway.enabled=true", "gateway.topic=arn:aws:sns:x", "gateway.webhooks.queue=https://q"], "gateway.webhooks.secret"),
])
def test_values_that_do_not_fit_are_refused_with_what_to_do(settings, message):
    assert message in helm.refusal(MINIMAL, *settings)


def test_all_that_is_wrong_is_said_at_once():
    message = helm.refusal(MINIMAL, "queue.url=", "store.uri=", "images.registry=")
    assert "queue.url" in message and "store.uri" in message and "images.registry" in message


class TestOldNames:
    """What users of the two charts before have in `extraValues`."""

    def test_the_first_charts_values_mean_what_they_meant(self):
        manifests = helm.render("legacy-first")
        job = manifests.one("ScaledJob")["spec"]
        assert (job["pollingInterval"], job["maxReplicaCount"]) == (1, 20)
        assert job["jobTargetRef"]["activeDeadlineSeconds"] == 600 and job["jobTargetRef"]["backoffLimit"] == 1
        metadata = job["triggers"][0]["metadata"]
        assert (metadata["queueLength"], metadata["scaleOnInFlight"]) == ("20", "false")
        engine = manifests.containers["engine"]
        assert engine["image"].endswith("/eks-sd/inference-api:latest")
        assert engine["resources"]["requests"] == {"cpu": "500m", "memory": "4Gi", "nvidia.com/gpu": 1}
        assert {"name": "models", "mountPath": "/tmp/models", "readOnly": True} in engine["volumeMounts"]
        assert "httpGet" in engine["startupProbe"], "their images listen on every address"
        assert manifests.environment("agent")["SD_STORE"] == "s3://sd-output"
        assert manifests.environment("agent")["SD_MODEL"] == "v1-5-pruned-emaonly.safetensors"
        assert manifests.containers["agent"]["resources"]["requests"] == {"cpu": "500m", "memory": "512Mi"}
        assert "xray-daemon" in manifests.containers
        assert manifests.pod["spec"]["serviceAccountName"] == "sd-webui-sa" and not manifests.all("ServiceAccount")
        claims = [one["persistentVolumeClaim"]["claimName"] for one in manifests.pod["spec"]["volumes"]
                  if "persistentVolumeClaim" in one]
        assert claims == ["sdruntime-efs-model-storage-pvc"]
        devices = manifests.one("EC2NodeClass")["spec"]["blockDeviceMappings"]
        assert devices[0]["ebs"]["volumeSize"] == "40Gi"
        assert devices[1]["ebs"]["snapshotID"] == "snap-0123456789abcdef0"
        requirements = manifests.one("NodePool")["spec"]["template"]["spec"]["requirements"]
        assert {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.xlarge", "g5.2xlarge"]} \
            in requirements

    def test_the_second_charts_values_mean_what_they_meant(self):
        manifests = helm.render("legacy-second")
        spec = manifests.one("ScaledObject")["spec"]
        assert (spec["pollingInterval"], spec["cooldownPeriod"], spec["maxReplicaCount"]) == (1, 300, 5)
        environment = manifests.environment("engine")
        assert environment["EXTRA_CMD_ARG"] == "--no-half-vae --opt-channelslast"
        assert (environment["API_ONLY"], environment["HF_HUB_OFFLINE"]) == ("true", "1")
        assert environment["SD_MODEL_CHECKPOINT"] == "sd_xl_turbo_1.0.safetensors"
        assert manifests.containers["agent"]["image"] == "registry.example/sd/sd-agent:0.1.0"
        volume = manifests.one("PersistentVolume")["spec"]
        assert volume["csi"]["volumeAttributes"]["bucketName"] == "sdoneks-model-bucket-51a6"
        node = manifests.one("EC2NodeClass")["spec"]
        assert (node["role"], node["instanceStorePolicy"]) == ("sdoneks-nodes", "RAID0")
        assert len(node["blockDeviceMappings"]) == 1, "an empty data volume was none"
        assert node["userData"].startswith("[settings.container-runtime]")
        assert manifests.one("NodePool")["spec"]["disruption"]["consolidateAfter"] == "30s"

    def test_agents_of_ours_take_the_place_of_theirs(self):
        theirs = "sdWebuiInferenceApi.queueAgent.image.repository"
        assert helm.render("legacy-first").containers["agent"]["image"] == "registry.example/sd/sd-job:0.1.0"
        unknown = helm.render("legacy-first", "images.registry=")
        assert unknown.containers["agent"]["image"].endswith("/eks-sd/queue-agent:latest")
        own = helm.render("legacy-first", f"{theirs}=registry.example/mine/sd-job").containers["agent"]["image"]
        assert own == "registry.example/mine/sd-job:latest"

    def test_no_consolidation_is_never(self):
        manifests = helm.render("legacy-second", "karpenter.provisioner.consolidation=false")
        assert manifests.one("NodePool")["spec"]["disruption"]["consolidateAfter"] == "Never"

    def test_comfyui_is_a_kind(self):
        manifests = helm.render("legacy-second", "runtime.type=comfyui")
        assert manifests.environment("agent")["SD_BACKEND"] == "comfyui+http://localhost:8080"

    def test_tracing_can_be_off(self):
        manifests = helm.render("legacy-first", "sdWebuiInferenceApi.queueAgent.XRay.enabled=false")
        assert "xray-daemon" not in manifests.containers
        assert manifests.environment("agent")["SD_TRACES"] == "none:"

    def test_an_old_storage_class_becomes_a_claim(self):
        manifests = helm.render("legacy-first", "sdWebuiInferenceApi.persistence.existingClaim=")
        claim = manifests.one("PersistentVolumeClaim")["spec"]
        assert claim["storageClassName"] == "efs-model-storage-sc" and claim["accessModes"] == ["ReadWriteMany"]
        assert claim["resources"]["requests"]["storage"] == "2Ti"

    @pytest.mark.parametrize("name,setting", [
        ("legacy-first", "sdWebuiInferenceApi.scaling.maxReplicas=3"),
        ("legacy-first", "sdWebuiInferenceApi.inferenceApi.replicas=3"),
        ("legacy-second", "runtime.queueAgent.xray.daemon.port=1"),
        ("legacy-second", "karpenter.provisioner.ttlSecondsAfterEmpty=30"),
        ("legacy-second", "karpenter.nodeTemplate.amiSelector=x"),
    ])
    def test_unknown_old_names_are_refused_by_name(self, name, setting):
        assert setting.split("=")[0] in helm.refusal(CHART / "ci" / f"{name}-values.yaml", setting)

    def test_an_unknown_old_type_names_the_new_one(self):
        assert "engine.kind" in helm.refusal(CHART / "ci" / "legacy-second-values.yaml", "runtime.type=invokeai")

    @pytest.mark.parametrize("folder", ["reference", "successor"])
    def test_the_old_charts_own_defaults_are_taken(self, folder):
        """Where the old charts' values lie beside the repository, all of them."""
        path = ROOT.parent / "shared" / "contracts" / "samples" / folder / "values.yaml"
        if not path.is_file():
            pytest.skip(f"{path} is not there: only the copies in ci/ were checked")
        base = {"reference": "legacy-first", "successor": "legacy-second"}[folder]
        result = helm.run("helm3", "template", "x", CHART, "--values", path, "--values",
                          CHART / "ci" / f"{base}-values.yaml")
        assert "kind: NodePool" in result.stdout


def test_every_feature_says_what_it_shows():
    for path in CI_VALUES:
        assert path.read_text().startswith("# "), feature(path)
