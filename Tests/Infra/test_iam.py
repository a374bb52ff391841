"""Rights: every policy names its actions and resources, every role who may take it on."""

import copy
import json

import pytest

from support.cloudformation import TEMPLATES, Template

# Actions that know no resource, by the service authorization reference
# (https://docs.aws.amazon.com/service-authorization/latest/reference/): they alone may say "*", and then with a condition.
WITHOUT_RESOURCE = {
    "ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeAvailabilityZones",
    "ec2:DescribeCapacityReservations", "ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes", "ec2:DescribeInternetGateways",
    "ec2:DescribeLaunchTemplates", "ec2:DescribeNetworkInterfaces", "ec2:DescribePlacementGroups", "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups", "ec2:DescribeSpotPriceHistory", "ec2:DescribeSubnets", "ec2:DescribeTags",
    "ec2:DescribeVolumes", "ec2:DescribeVpcPeeringConnections", "ec2:DescribeVpcs", "ec2:GetSecurityGroupsForVpc",
    "elasticloadbalancing:DescribeCapacityReservation", "elasticloadbalancing:DescribeListenerAttributes",
    "elasticloadbalancing:DescribeListenerCertificates", "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancerAttributes", "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules", "elasticloadbalancing:DescribeSSLPolicies", "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroupAttributes", "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:DescribeTrustStores",
    "acm:ListCertificates", "arc-zonal-shift:GetManagedResource", "iam:ListInstanceProfiles", "pricing:GetProducts",
    "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
}
# AWS's own policies, each for the one service that needs it.
MANAGED = {
    "AmazonEKSClusterPolicy", "AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore", "AmazonEKS_CNI_Policy", "service-role/AmazonEBSCSIDriverPolicy",
    "service-role/AmazonEFSCSIDriverPolicy", "CloudWatchAgentServerPolicy",
}


def as_list(value):
    return value if isinstance(value, list) else [value]


def flatten(value):
    """The statements of a policy, those of both branches of an If."""
    for one in as_list(value):
        if isinstance(one, dict) and "Fn::If" in one:
            yield from flatten(one["Fn::If"][1:])
        elif one != {"Ref": "AWS::NoValue"}:
            yield one


def identity_policies(template):
    for name, resource in template.resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] in ("AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
            yield name, properties["PolicyDocument"]
        for policy in properties.get("Policies", []) if resource["Type"] == "AWS::IAM::Role" else []:
            yield name, policy["PolicyDocument"]


def faults(template):
    """Everything that is too wide."""
    for name, document in identity_policies(template):
        for statement in flatten(document["Statement"]):
            where = f"{template.name} {name} {statement.get('Sid')}"
            if statement["Effect"] != "Allow":
                continue
            if "NotAction" in statement or "NotResource" in statement:
                yield f"{where}: says what is not allowed"
                continue
            actions = as_list(statement["Action"])
            yield from (f"{where}: {action}" for action in actions if "*" in action)
            if "*" in as_list(statement["Resource"]):
                yield from (f"{where}: {action} on *" for action in actions if action not in WITHOUT_RESOURCE)
                if not statement.get("Condition"):
                    yield f"{where}: * without a condition"
    for name, resource in template.resources.items():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"].get("ManagedPolicyArns", []):
                short = json.dumps(policy).split(":policy/")[-1].rstrip('"}')
                if short not in MANAGED or "FullAccess" in short:
                    yield f"{template.name} {name}: {short}"
            yield from trust_faults(f"{template.name} {name}", resource["Properties"]["AssumeRolePolicyDocument"])
        if resource["Type"] in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy"):
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow" and (statement["Principal"] == "*" or "Condition" not in statement):
                    yield f"{template.name} {name}: open to anybody"


def trust_faults(where, document):
    for one in flatten(document):
        if "Fn::Sub" in one:
            one = json.loads(one["Fn::Sub"])
        for statement in one["Statement"]:
            principal = statement["Principal"]
            services = as_list(principal.get("Service", [])) if isinstance(principal, dict) else []
            if principal == "*" or "AWS" in principal:
                yield f"{where}: may be taken on by {principal}"
            if "pods.eks.amazonaws.com" in services or "Federated" in principal:
                condition = json.dumps(statement.get("Condition", {}))
                if "service-account" not in condition and "serviceaccount" not in condition:
                    yield f"{where}: may be taken on by any pod"


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_right_is_too_wide(name):
    assert list(faults(Template(name))) == []


def test_every_role_has_rights_or_gets_them():
    """A role without a policy is a mistake, but for KEDA's, to which each runtime adds its queue."""
    for name in TEMPLATES:
        template = Template(name)
        with_policy = {json.dumps(one["Properties"]["RoleName"]) for one in template.resources.values()
                       if one["Type"] == "AWS::IAM::RolePolicy"}
        for role, one in template.resources.items():
            if one["Type"] == "AWS::IAM::Role" and role != "KedaRole":
                assert one["Properties"].get("ManagedPolicyArns") or json.dumps({"Ref": role}) in with_policy, role


@pytest.mark.parametrize("statement", [
    {"Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:us-west-2:1:q"},
    {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:sqs:us-west-2:1:q"},
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": "x"}}},
    {"Effect": "Allow", "Action": "ec2:DescribeVolumes", "Resource": "*"},
    {"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:s3:::b"},
    {"Effect": "Allow", "Action": ["s3:Get*"], "Resource": "arn:aws:s3:::b/*"},
])
def test_a_right_that_is_too_wide_is_found(statement):
    template = Template("runtime.yaml")
    template.resources = copy.deepcopy(template.resources)
    template.resources["RolePolicy"]["Properties"]["PolicyDocument"]["Statement"].append(statement)
    assert list(faults(template))


@pytest.mark.parametrize("policy", ["AmazonSQSFullAccess", "CloudWatchFullAccess", "AmazonEC2FullAccess", "AdministratorAccess"])
def test_the_references_policies_are_found(policy):
    template = Template("cluster.yaml")
    template.resources = copy.deepcopy(template.resources)
    template.resources["KedaRole"]["Properties"]["ManagedPolicyArns"] = [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::aws:policy/{policy}"}]
    assert any(policy in fault for fault in faults(template))


def test_a_role_for_any_pod_is_found():
    template = Template("runtime.yaml")
    template.resources = copy.deepcopy(template.resources)
    trust = template.resources["Role"]["Properties"]["AssumeRolePolicyDocument"]["Fn::If"][2]["Statement"][0]
    del trust["Condition"]
    assert list(faults(template))
