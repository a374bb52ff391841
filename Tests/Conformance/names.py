"""What AWSKit calls the members of answers, where that is not botocore's own name but for letters' case."""

import base64
import datetime

CHECKSUMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]


def at(value, path):
    """The member at a path such as `State.Name`, or `None`."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def tags(key="Tags"):
    return lambda theirs: {tag.get("Key", ""): tag.get("Value", "") for tag in theirs.get(key, [])}


def table(member, key, value):
    return lambda theirs: {entry.get(key, ""): entry.get(value) for entry in theirs.get(member, [])}


def each(member, path):
    return lambda theirs: [at(entry, path) for entry in theirs.get(member, [])]


def where(condition, member):
    return lambda theirs: theirs.get(member) if theirs.get(condition) else None


def checksums(theirs):
    return [{"algorithm": name, "value": theirs["Checksum" + name]} for name in CHECKSUMS if "Checksum" + name in theirs]


def checksum(theirs):
    return next(iter(checksums(theirs)), None)


def lock(theirs):
    names = {"mode": "ObjectLockMode", "retainUntil": "ObjectLockRetainUntilDate", "hasLegalHold": "ObjectLockLegalHoldStatus"}
    if not any(name in theirs for name in names.values()):
        return None
    found = {ours: theirs.get(name) for ours, name in names.items()}
    hold = found["hasLegalHold"]
    return found | {"hasLegalHold": hold and hold == "ON"}


def batch(theirs):
    return {"successful": {entry["Id"]: entry for entry in theirs.get("Successful", [])},
            "failed": {entry["Id"]: entry for entry in theirs.get("Failed", [])}}


def nothing_of(theirs):
    """A batch whose successes have no result."""
    result = batch(theirs)
    return result | {"successful": {key: None for key in result["successful"]}}


def page(member):
    return lambda theirs: {"elements": theirs.get(member, []), "nextToken": theirs.get("NextToken")}


def details(theirs):
    return [detail.get("Target", {}) for detail in theirs.get("Details", [])]


# By type, then by member of AWSKit: a path, or a function of what botocore has in the type's place.
MEMBERS = {
    "Message": {"systemAttributes": "Attributes", "attributes": "MessageAttributes"},
    "QueuePage": {"urls": lambda theirs: theirs.get("QueueUrls", theirs.get("queueUrls"))},
    "MessageMoveTask": {
        "messagesPerSecond": "MaxNumberOfMessagesPerSecond", "moved": "ApproximateNumberOfMessagesMoved",
        "toMove": "ApproximateNumberOfMessagesToMove",
        "startedAt": lambda theirs: theirs["StartedTimestamp"] / 1000 if "StartedTimestamp" in theirs else None},
    "BatchFailure": {"isSenderFault": "SenderFault"},
    "TopicPage": {"arns": each("Topics", "TopicArn")},
    "Subscription": {"arn": "SubscriptionArn", "transferProtocol": "Protocol"},
    "AssumedRole": {"arn": "AssumedRoleUser.Arn", "assumedRoleID": "AssumedRoleUser.AssumedRoleId"},
    # S3
    "WrittenObject": {"checksum": checksum},
    "ObjectInfo": {
        "checksums": checksums, "kmsKeyID": "SSEKMSKeyId", "usesBucketKey": "BucketKeyEnabled", "lock": lock,
        "isDeleteMarker": "DeleteMarker", "websiteRedirect": "WebsiteRedirectLocation"},
    "DeletedObject": {"isDeleteMarker": "DeleteMarker"},
    "ObjectPage": {"objects": "Contents", "commonPrefixes": each("CommonPrefixes", "Prefix"),
                   "nextContinuationToken": where("IsTruncated", "NextContinuationToken")},
    "ListedObject": {"ownerID": "Owner.ID", "checksumAlgorithms": "ChecksumAlgorithm"},
    "VersionPage": {
        "versions": lambda theirs: [entry | {"isDeleteMarker": False} for entry in theirs.get("Versions", [])]
        + [entry | {"isDeleteMarker": True} for entry in theirs.get("DeleteMarkers", [])],
        "commonPrefixes": each("CommonPrefixes", "Prefix"), "nextKeyMarker": where("IsTruncated", "NextKeyMarker"),
        "nextVersionIDMarker": where("IsTruncated", "NextVersionIdMarker")},
    "ObjectVersion": {"versionID": lambda theirs: theirs.get("VersionId", "null")},
    "ListedBucket": {"createdAt": "CreationDate", "region": "BucketRegion"},
    "UploadedPart": {"number": "PartNumber", "checksum": checksum},
    "PartPage": {"nextPartNumberMarker": where("IsTruncated", "NextPartNumberMarker")},
    "UploadPage": {"nextKeyMarker": where("IsTruncated", "NextKeyMarker"),
                   "nextUploadIDMarker": where("IsTruncated", "NextUploadIdMarker")},
    # EC2
    "Instance": {
        "id": "InstanceId", "state": "State.Name", "stateReason": "StateReason.Message",
        "availabilityZone": "Placement.AvailabilityZone", "privateIP": "PrivateIpAddress", "publicIP": "PublicIpAddress",
        "launchedAt": "LaunchTime", "tags": tags(),
        "volumes": lambda theirs: {device.get("DeviceName", ""): device["Ebs"]["VolumeId"]
                                   for device in theirs.get("BlockDeviceMappings", []) if at(device, "Ebs.VolumeId")}},
    "InstanceStatus": {
        "id": "InstanceId", "state": "InstanceState.Name", "systemStatus": "SystemStatus.Status",
        "instanceStatus": "InstanceStatus.Status",
        "events": lambda theirs: [": ".join(event[name] for name in ("Code", "Description") if name in event)
                                  for event in theirs.get("Events", [])]},
    "InstanceStateChange": {"id": "InstanceId", "previous": "PreviousState.Name", "current": "CurrentState.Name"},
    "EC2.Image": {"id": "ImageId", "state": "State", "createdAt": lambda theirs: moment(theirs.get("CreationDate")),
                  "tags": tags()},
    "Volume": {"id": "VolumeId", "isEncrypted": "Encrypted", "instanceIDs": each("Attachments", "InstanceId"), "tags": tags()},
    "VolumeModification": {"state": "ModificationState"},
    "Snapshot": {"id": "SnapshotId", "stateMessage": "StateMessage", "startedAt": "StartTime", "isEncrypted": "Encrypted",
                 "tags": tags()},
    "FastSnapshotRestoreChange": {
        "failed": lambda theirs: [
            {"SnapshotId": each.get("SnapshotId", ""), "AvailabilityZone": state.get("AvailabilityZone"),
             **state.get("Error", {})}
            for each in theirs.get("Unsuccessful", []) for state in each.get("FastSnapshotRestoreStateErrors", [])]},
    "AvailabilityZone": {"name": "ZoneName", "id": "ZoneId", "type": "ZoneType"},
    "VPC": {"id": "VpcId", "tags": tags()},
    "Subnet": {"id": "SubnetId", "availableAddresses": "AvailableIpAddressCount", "isDefault": "DefaultForAz",
               "assignsPublicIP": "MapPublicIpOnLaunch", "tags": tags()},
    "SecurityGroup": {"id": "GroupId", "name": "GroupName", "tags": tags()},
    # CloudFormation
    "Stack": {
        "id": "StackId", "name": "StackName", "status": "StackStatus", "statusReason": "StackStatusReason",
        "createdAt": "CreationTime", "updatedAt": "LastUpdatedTime", "deletedAt": "DeletionTime",
        "outputs": table("Outputs", "OutputKey", "OutputValue"),
        "parameters": table("Parameters", "ParameterKey", "ParameterValue"), "tags": tags(),
        "isProtected": "EnableTerminationProtection"},
    "StackEvent": {
        "id": "EventId", "logicalID": "LogicalResourceId", "physicalID": "PhysicalResourceId", "status": "ResourceStatus",
        "reason": "ResourceStatusReason"},
    "EventPage": {"events": "StackEvents"},
    "StackResource": {"logicalID": "LogicalResourceId", "physicalID": "PhysicalResourceId", "status": "ResourceStatus",
                      "reason": "ResourceStatusReason"},
    "ResourcePage": {"resources": "StackResourceSummaries"},
    "Parameter": {"name": lambda theirs: theirs.get("Name", theirs.get("ParameterKey")),
                  "type": lambda theirs: theirs.get("Type", theirs.get("ParameterType")), "isHidden": "NoEcho"},
    "ChangeSet": {"id": "ChangeSetId", "changes": lambda theirs: [
        change["ResourceChange"] for change in theirs.get("Changes", []) if "ResourceChange" in change]},
    "ResourceChange": {"logicalID": "LogicalResourceId", "physicalID": "PhysicalResourceId", "details": details},
    "Detail": {"before": "BeforeValue", "after": "AfterValue"},
    # SSM, ECR, EKS, API Gateway
    "CommandInvocation": {
        "output": "StandardOutputContent", "errors": "StandardErrorContent", "outputURL": "StandardOutputUrl",
        "errorsURL": "StandardErrorUrl"},
    "Authorization": {
        "user": lambda theirs: login(theirs)[0], "password": lambda theirs: login(theirs)[1],
        "registryURL": "proxyEndpoint"},
    "ImagePage": {"images": "imageDetails"},
    "Manifest": {"digest": "imageId.imageDigest", "tag": "imageId.imageTag", "text": "imageManifest",
                 "mediaType": "imageManifestMediaType"},
    "ImageFailure": {"digest": "imageId.imageDigest", "tag": "imageId.imageTag", "code": "failureCode",
                     "reason": "failureReason"},
    "Cluster": {"vpcID": "resourcesVpcConfig.vpcId", "subnetIDs": "resourcesVpcConfig.subnetIds",
                "clusterSecurityGroupID": "resourcesVpcConfig.clusterSecurityGroupId",
                "authenticationMode": "accessConfig.authenticationMode"},
    "APIKey": {"isEnabled": "enabled"},
}


def moment(text):
    return text and datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def login(theirs):
    return base64.b64decode(theirs["authorizationToken"]).decode().split(":", 1)


# Members that no answer has: what is made of others, or known from the request.
OWN = {"SentMessage": {"bodyMD5", "attributesMD5", "systemAttributesMD5"}, "Message": {"isIntact"}}
OWN_OF = {"s3.UploadPart": {"number", "checksum"}, "s3.UploadPartCopy": {"number"}}

# What an operation's result is made of, where that is not the whole answer.
RESULTS = {
    "sqs.CreateQueue": "QueueUrl", "sqs.GetQueueUrl": "QueueUrl", "sqs.GetQueueAttributes": "Attributes",
    "sqs.ListQueueTags": "Tags", "sqs.StartMessageMoveTask": "TaskHandle",
    "sqs.CancelMessageMoveTask": "ApproximateNumberOfMessagesMoved", "sqs.ListMessageMoveTasks": "Results",
    "sqs.ReceiveMessage": "Messages", "sqs.SendMessageBatch": batch, "sqs.DeleteMessageBatch": nothing_of,
    "sqs.ChangeMessageVisibilityBatch": nothing_of, "sns.PublishBatch": batch, "sns.CreateTopic": "TopicArn",
    "sns.GetTopicAttributes": "Attributes", "sns.GetSubscriptionAttributes": "Attributes",
    "sns.Subscribe": "SubscriptionArn", "sns.ConfirmSubscription": "SubscriptionArn", "sns.ListTagsForResource": tags(),
    "s3.GetObject": lambda theirs: {"info": theirs, "bytes": theirs["Body"]}, "s3.DeleteObjects": "Errors",
    "s3.CopyObject": lambda theirs: theirs | theirs["CopyObjectResult"], "s3.GetObjectTagging": tags("TagSet"),
    "s3.ListBuckets": "Buckets", "s3.HeadBucket": "BucketRegion", "s3.CreateMultipartUpload": "UploadId",
    "s3.UploadPartCopy": "CopyPartResult",
    "ec2.RunInstances": "Instances",
    "ec2.DescribeInstances": lambda theirs: page("Instances")(
        theirs | {"Instances": [found for each in theirs.get("Reservations", []) for found in each.get("Instances", [])]}),
    "ec2.DescribeInstanceStatus": page("InstanceStatuses"), "ec2.StopInstances": "StoppingInstances",
    "ec2.StartInstances": "StartingInstances", "ec2.TerminateInstances": "TerminatingInstances",
    "ec2.GetConsoleOutput": "Output", "ec2.DescribeImages": page("Images"), "ec2.DescribeVolumes": page("Volumes"),
    "ec2.DescribeVolumesModifications": page("VolumesModifications"),
    "ec2.ModifyVolume": "VolumeModification.ModificationState", "ec2.CopySnapshot": "SnapshotId",
    "ec2.DescribeSnapshots": page("Snapshots"),
    "ec2.DescribeFastSnapshotRestores": page("FastSnapshotRestores"),
    "ec2.DescribeAvailabilityZones": "AvailabilityZones", "ec2.DescribeVpcs": page("Vpcs"),
    "ec2.DescribeSubnets": page("Subnets"), "ec2.DescribeSecurityGroups": page("SecurityGroups"),
    "ssm.GetParameter": "Parameter",
    "ssm.GetParameters": lambda theirs: {"parameters": theirs.get("Parameters"), "invalid": theirs.get("InvalidParameters")},
    "ssm.PutParameter": "Version", "ssm.DescribeInstanceInformation": "InstanceInformationList",
    "ssm.SendCommand": "Command.CommandId",
    "cloudformation.CreateStack": "StackId", "cloudformation.UpdateStack": "StackId",
    "cloudformation.DescribeStackResources": "StackResources", "cloudformation.CreateChangeSet": "Id",
    "cloudformation.GetTemplate": "TemplateBody",
    "ecr.GetAuthorizationToken": lambda theirs: theirs["authorizationData"][0],
    "ecr.BatchGetImage": lambda theirs: {"manifests": theirs.get("images"), "failures": theirs.get("failures")},
    "eks.DescribeCluster": "cluster", "xray.PutTraceSegments": "UnprocessedTraceSegments",
}
# Operations whose answer says nothing that a caller needs.
SILENT = {
    "sqs": """DeleteMessage ChangeMessageVisibility DeleteQueue PurgeQueue SetQueueAttributes TagQueue UntagQueue
        AddPermission RemovePermission""",
    "sns": """DeleteTopic SetTopicAttributes TagResource UntagResource Unsubscribe SetSubscriptionAttributes""",
    "s3": "PutObjectTagging DeleteObjectTagging CreateBucket DeleteBucket AbortMultipartUpload",
    "ec2": "DeleteVolume DeleteSnapshot CreateTags DeleteTags", "ssm": "DeleteParameter CancelCommand",
    "cloudformation": """DeleteStack CancelUpdateStack ContinueUpdateRollback UpdateTerminationProtection
        ValidateTemplate ExecuteChangeSet DeleteChangeSet""",
}
