"""The operations that AWSKit has, what of them it leaves out, and what their parameters must be like."""

import base64
from urllib.parse import quote_plus

from answers import checksum

# Services by the name that botocore has for them; SQS wants a botocore that speaks its query protocol.
OPERATIONS = {
    "sqs": """SendMessage ReceiveMessage DeleteMessage ChangeMessageVisibility SendMessageBatch DeleteMessageBatch
        ChangeMessageVisibilityBatch CreateQueue DeleteQueue PurgeQueue GetQueueUrl ListQueues ListDeadLetterSourceQueues
        GetQueueAttributes SetQueueAttributes ListQueueTags TagQueue UntagQueue AddPermission RemovePermission
        StartMessageMoveTask CancelMessageMoveTask ListMessageMoveTasks""",
    "sns": """Publish PublishBatch CreateTopic DeleteTopic ListTopics GetTopicAttributes SetTopicAttributes
        ListTagsForResource TagResource UntagResource Subscribe ConfirmSubscription Unsubscribe
        GetSubscriptionAttributes SetSubscriptionAttributes ListSubscriptionsByTopic ListSubscriptions""",
    "sts": "GetCallerIdentity AssumeRole AssumeRoleWithWebIdentity",
    "s3": """PutObject GetObject HeadObject DeleteObject DeleteObjects CopyObject ListObjectsV2 ListObjectVersions
        GetObjectTagging PutObjectTagging DeleteObjectTagging ListBuckets CreateBucket DeleteBucket HeadBucket
        CreateMultipartUpload UploadPart UploadPartCopy CompleteMultipartUpload AbortMultipartUpload ListParts
        ListMultipartUploads""",
    "ec2": """RunInstances DescribeInstances DescribeInstanceStatus StopInstances StartInstances TerminateInstances
        GetConsoleOutput DescribeImages DescribeVolumes DescribeVolumesModifications ModifyVolume DeleteVolume
        CreateSnapshot CopySnapshot DescribeSnapshots DeleteSnapshot EnableFastSnapshotRestores
        DisableFastSnapshotRestores DescribeFastSnapshotRestores CreateTags DeleteTags DescribeAvailabilityZones
        DescribeVpcs DescribeSubnets DescribeSecurityGroups""",
    "ssm": """GetParameter GetParameters GetParametersByPath PutParameter DeleteParameter DescribeInstanceInformation
        SendCommand GetCommandInvocation CancelCommand""",
    "cloudformation": """CreateStack UpdateStack DeleteStack CancelUpdateStack ContinueUpdateRollback
        UpdateTerminationProtection DescribeStacks DescribeStackEvents DescribeStackResources ListStackResources
        GetTemplate GetTemplateSummary ValidateTemplate CreateChangeSet DescribeChangeSet ExecuteChangeSet DeleteChangeSet""",
    "ecr": "GetAuthorizationToken DescribeImages BatchGetImage",
    "eks": "DescribeCluster token",
    "xray": "PutTraceSegments",
    "apigateway": "GetApiKey",
}

SSE_C = "SSECustomerAlgorithm SSECustomerKey SSECustomerKeyMD5"
NEW_CHECKSUMS = "ChecksumSHA512 ChecksumMD5 ChecksumXXHASH64 ChecksumXXHASH3 ChecksumXXHASH128"
GRANTS = "GrantFullControl GrantRead GrantReadACP GrantWriteACP GrantWrite"
PAYER = "RequestPayer"  # a setting of the client, see `settings` in calls.py
STACK = "ResourceTypes RollbackConfiguration StackPolicyBody StackPolicyURL RetainExceptOnCreate"

# Parameters that AWSKit does not have, by intent. Everything else must arrive: this is the list of what is missing.
LEFT_OUT = {
    "sqs": {
        "SendMessage": "MessageAttributes.StringListValues MessageAttributes.BinaryListValues "
                       "MessageSystemAttributes.StringListValues MessageSystemAttributes.BinaryListValues",
        "SendMessageBatch": "Entries.MessageAttributes.StringListValues Entries.MessageAttributes.BinaryListValues "
                            "Entries.MessageSystemAttributes.StringListValues Entries.MessageSystemAttributes.BinaryListValues",
        "ReceiveMessage": "MessageSystemAttributeNames",  # the new name of AttributeNames
    },
    "sns": {"CreateTopic": "DataProtectionPolicy"},
    "sts": {"AssumeRole": "ProvidedContexts"},
    "s3": {
        "PutObject": f"{SSE_C} {NEW_CHECKSUMS} {GRANTS} {PAYER} ContentLength ContentMD5 WriteOffsetBytes Tagging",
        "GetObject": f"{SSE_C} {PAYER} ResponseExpires ChecksumMode", "HeadObject": f"{SSE_C} {PAYER} ResponseExpires",
        "DeleteObject": f"{PAYER} MFA IfMatchLastModifiedTime IfMatchSize",
        "DeleteObjects": f"{PAYER} MFA ChecksumAlgorithm Delete.Objects.LastModifiedTime Delete.Objects.Size",
        "CopyObject": f"{SSE_C} {GRANTS} {PAYER} CopySourceSSECustomerAlgorithm CopySourceSSECustomerKey "
                      "CopySourceSSECustomerKeyMD5 Tagging",
        "ListObjectsV2": f"{PAYER} OptionalObjectAttributes EncodingType",
        "ListObjectVersions": f"{PAYER} OptionalObjectAttributes EncodingType",
        "GetObjectTagging": PAYER, "PutObjectTagging": f"{PAYER} ContentMD5 ChecksumAlgorithm",
        "ListBuckets": "MaxBuckets ContinuationToken",  # all pages are fetched
        "CreateBucket": f"{GRANTS} ObjectLockEnabledForBucket ObjectOwnership BucketNamespace CreateBucketConfiguration",
        "CreateMultipartUpload": f"{SSE_C} {GRANTS} {PAYER} Tagging",
        "UploadPart": f"{SSE_C} {NEW_CHECKSUMS} {PAYER} ContentLength ContentMD5 ChecksumCRC32 ChecksumCRC32C "
                      "ChecksumCRC64NVME ChecksumSHA1 ChecksumSHA256",
        "UploadPartCopy": f"{SSE_C} {PAYER} CopySourceSSECustomerAlgorithm CopySourceSSECustomerKey "
                          "CopySourceSSECustomerKeyMD5 CopySourceIfModifiedSince CopySourceIfNoneMatch "
                          "CopySourceIfUnmodifiedSince",
        "CompleteMultipartUpload": f"{SSE_C} {NEW_CHECKSUMS} {PAYER}",
        "AbortMultipartUpload": f"{PAYER} IfMatchInitiatedTime",
        "ListParts": f"{SSE_C} {PAYER}", "ListMultipartUploads": f"{PAYER} Delimiter EncodingType",
    },
    "ssm": {
        "GetParametersByPath": "ParameterFilters", "PutParameter": "Policies",
        "DescribeInstanceInformation": "InstanceInformationFilterList NextToken",
        "SendCommand": "Targets DocumentHash DocumentHashType OutputS3Region ServiceRoleArn NotificationConfig "
                       "AlarmConfiguration CloudWatchOutputConfig.CloudWatchOutputEnabled",
    },
    "cloudformation": {
        "CreateStack": f"{STACK} DisableRollback Parameters.ResolvedValue ClientRequestToken",
        "UpdateStack": f"{STACK} StackPolicyDuringUpdateBody StackPolicyDuringUpdateURL Parameters.ResolvedValue "
                       "ClientRequestToken",
        "CreateChangeSet": f"{STACK} ResourcesToImport ImportExistingResources DeploymentMode Parameters.ResolvedValue "
                           "ClientToken",
        "DeleteStack": "ClientRequestToken", "CancelUpdateStack": "ClientRequestToken",
        "ContinueUpdateRollback": "ClientRequestToken", "DescribeStacks": "StackName",
        "DescribeStackResources": "LogicalResourceId PhysicalResourceId",
        "GetTemplate": "ChangeSetName",
        "ExecuteChangeSet": "ClientRequestToken DisableRollback RetainExceptOnCreate",
        "GetTemplateSummary": "StackName StackSetName CallAs TemplateSummaryConfig",
    },
    "ecr": {"GetAuthorizationToken": "registryIds", "DescribeImages": "filter"},
}

# Operations of which AWSKit has a small part: the parameters that it has.
TAKEN = {
    "ec2": {
        "RunInstances": """ImageId InstanceType MinCount MaxCount SubnetId SecurityGroupIds UserData ClientToken
            InstanceInitiatedShutdownBehavior IamInstanceProfile IamInstanceProfile.Arn IamInstanceProfile.Name
            Placement Placement.AvailabilityZone BlockDeviceMappings BlockDeviceMappings.DeviceName
            BlockDeviceMappings.Ebs BlockDeviceMappings.Ebs.SnapshotId BlockDeviceMappings.Ebs.VolumeSize
            BlockDeviceMappings.Ebs.VolumeType BlockDeviceMappings.Ebs.Iops BlockDeviceMappings.Ebs.Throughput
            BlockDeviceMappings.Ebs.Encrypted BlockDeviceMappings.Ebs.KmsKeyId
            BlockDeviceMappings.Ebs.DeleteOnTermination BlockDeviceMappings.Ebs.VolumeInitializationRate
            MetadataOptions MetadataOptions.HttpTokens MetadataOptions.HttpPutResponseHopLimit""",
        "DescribeInstances": "InstanceIds Filters Filters.Name Filters.Values NextToken",
        "DescribeInstanceStatus": "InstanceIds Filters Filters.Name Filters.Values NextToken IncludeAllInstances",
        "StopInstances": "InstanceIds Force", "StartInstances": "InstanceIds", "TerminateInstances": "InstanceIds",
        "GetConsoleOutput": "InstanceId Latest",
        "DescribeImages": "ImageIds Owners Filters Filters.Name Filters.Values NextToken",
        "DescribeVolumes": "VolumeIds Filters Filters.Name Filters.Values NextToken",
        "DescribeVolumesModifications": "VolumeIds Filters Filters.Name Filters.Values NextToken",
        "ModifyVolume": "VolumeId Size VolumeType Iops Throughput", "DeleteVolume": "VolumeId",
        "CreateSnapshot": "VolumeId Description",
        "CopySnapshot": "SourceSnapshotId SourceRegion Description Encrypted KmsKeyId",
        "DescribeSnapshots": "SnapshotIds OwnerIds Filters Filters.Name Filters.Values NextToken",
        "DeleteSnapshot": "SnapshotId", "EnableFastSnapshotRestores": "AvailabilityZones SourceSnapshotIds",
        "DisableFastSnapshotRestores": "AvailabilityZones SourceSnapshotIds",
        "DescribeFastSnapshotRestores": "Filters Filters.Name Filters.Values NextToken",
        "CreateTags": "Resources Tags Tags.Key Tags.Value", "DeleteTags": "Resources Tags Tags.Key",
        "DescribeAvailabilityZones": "ZoneNames Filters Filters.Name Filters.Values",
        "DescribeVpcs": "VpcIds Filters Filters.Name Filters.Values NextToken",
        "DescribeSubnets": "SubnetIds Filters Filters.Name Filters.Values NextToken",
        "DescribeSecurityGroups": "GroupIds Filters Filters.Name Filters.Values NextToken",
    },
    "apigateway": {"GetApiKey": "apiKey includeValue"},
}


def left_out(service, operation, shape):
    """The paths of the members that get no value."""
    if operation in TAKEN.get(service, {}):
        taken = set(TAKEN[service][operation].split())
        return {path for path in paths(shape) if path not in taken}
    return set(LEFT_OUT.get(service, {}).get(operation, "").split())


def paths(shape, path="", seen=()):
    """Every member's path, lists and maps passed through."""
    if shape is None or shape.name in seen:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            place = f"{path}.{name}" if path else name
            yield place
            yield from paths(member, place, (*seen, shape.name))
    elif shape.type_name == "list":
        yield from paths(shape.member, path, seen)
    elif shape.type_name == "map":
        yield from paths(shape.value, path, seen)


# What parameters must be like beyond their shapes

def adjust(service, operation, params, v):
    """Makes random parameters ones that AWSKit's types can say, and that services could take."""
    function = ADJUSTMENTS.get((service, operation)) or ADJUSTMENTS.get(service)
    if function:
        function(operation, params, v)
    return params


def tags(v):
    return [{"Key": key, "Value": v.text()} for key in sorted({v.word() for _ in range(v.rng.randint(1, 3))})]


def keep_one(params, names, v):
    given = [name for name in names if name in params]
    kept = v.rng.choice(given or names)
    for name in given:
        if name != kept:
            del params[name]
    return kept


def message(value, v):
    """One value an attribute, in the order of the names."""
    for name in ("MessageAttributes", "MessageSystemAttributes"):
        attributes = value.get(name, {})
        for attribute in attributes.values():
            attribute["DataType"] = v.rng.choice(["String", "Number", "Binary", "String.mine"])
            binary = attribute["DataType"] == "Binary"
            attribute.pop("StringValue" if binary else "BinaryValue", None)
            if binary:
                attribute["BinaryValue"] = v.rng.randbytes(5)
            else:
                attribute["StringValue"] = v.text()


def sqs(operation, params, v):
    if "QueueUrl" in params:
        params["QueueUrl"] = f"https://sqs.eu-central-1.amazonaws.com/123456789012/{v.word()}"
    message(params, v)
    for index, entry in enumerate(params.get("Entries", [])):
        entry["Id"] = f"e{index}"
        message(entry, v)
        if operation == "ChangeMessageVisibilityBatch":
            entry.setdefault("VisibilityTimeout", v.rng.randint(0, 43_200))


def sns(operation, params, v):
    message(params, v)
    for index, entry in enumerate(params.get("PublishBatchRequestEntries", [])):
        entry["Id"] = f"e{index}"
        message(entry, v)
    if operation == "Publish":
        kept = keep_one(params, ["TopicArn", "TargetArn", "PhoneNumber"], v)
        params[kept] = f"arn:aws:sns:eu-central-1:123456789012:{v.word()}"
    if operation == "ConfirmSubscription" and "AuthenticateOnUnsubscribe" in params:
        params["AuthenticateOnUnsubscribe"] = v.rng.choice(["true", "false"])
    if "Tags" in params:
        params["Tags"] = tags(v)


def sts(operation, params, v):
    if "Tags" in params:
        params["Tags"] = tags(v)
    for entry in params.get("PolicyArns", []):
        entry["arn"] = f"arn:aws:iam::aws:policy/{v.word()}"


ALL_CHECKSUMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]
CHECKSUMMED = ["CRC32", "SHA1", "SHA256"]  # those that botocore makes without its C library


def s3(operation, params, v):
    if "Key" in params:
        params["Key"] = v.key()
    if "CopySource" in params:
        source = {"Bucket": "source-bucket", "Key": v.key()}
        if v.maybe(0.3):
            source["VersionId"] = v.word()
        params["CopySource"] = source
    if "Range" in params:
        params["Range"] = v.rng.choice(["bytes=0-9", "bytes=5-", "bytes=-7"])
    if "CopySourceRange" in params:
        params["CopySourceRange"] = "bytes=3-99"
    if "ExpectedBucketOwner" in params:
        params["ExpectedBucketOwner"] = "123456789012"
    if "PartNumberMarker" in params:
        params["PartNumberMarker"] = v.rng.randint(1, 9999)
    if "ServerSideEncryption" in params:
        params["ServerSideEncryption"] = v.rng.choice(["AES256", "aws:kms", "aws:kms:dsse"])
    encryption = params.get("ServerSideEncryption", "")
    for name in ("SSEKMSKeyId", "SSEKMSEncryptionContext", "BucketKeyEnabled"):
        if not encryption.startswith("aws:kms") or (name == "BucketKeyEnabled" and encryption != "aws:kms"):
            params.pop(name, None)
    # Either one that is made, or one that is known.
    if operation in ("PutObject", "UploadPart"):
        known = [name for name in params if name.startswith("Checksum") and name != "ChecksumAlgorithm"]
        for name in known[1:]:
            del params[name]
        if known:
            params.pop("ChecksumAlgorithm", None)
        else:
            params["ChecksumAlgorithm"] = v.rng.choice(CHECKSUMMED)
    if operation in ("PutObject", "CopyObject", "CreateMultipartUpload") and v.maybe():
        params["Tags"] = {v.word(): v.text() for _ in range(v.rng.randint(1, 3))}
    if operation == "CreateMultipartUpload" and "ChecksumAlgorithm" in params:
        params["ChecksumAlgorithm"] = v.rng.choice(ALL_CHECKSUMS)
    {"CopyObject": copy, "CompleteMultipartUpload": complete, "DeleteObjects": delete,
     "PutObjectTagging": tagging}.get(operation, lambda *_: None)(params, v)


def copy(params, v):
    # The directives follow from what is given.
    replaces = v.maybe()
    params["MetadataDirective"] = "REPLACE"
    if not replaces:
        for name in ("MetadataDirective", "ACL", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage",
                     "ContentType", "Expires", "Metadata", "ServerSideEncryption", "StorageClass", "SSEKMSKeyId",
                     "SSEKMSEncryptionContext", "BucketKeyEnabled", "ObjectLockMode", "ObjectLockRetainUntilDate",
                     "ObjectLockLegalHoldStatus", "WebsiteRedirectLocation", "Tags"):
            params.pop(name, None)
    params["TaggingDirective"] = "REPLACE"
    if v.maybe() or not replaces:
        del params["TaggingDirective"]
    if "ChecksumAlgorithm" in params:
        params["ChecksumAlgorithm"] = v.rng.choice(ALL_CHECKSUMS)


def complete(params, v):
    known = [name for name in params if name.startswith("Checksum") and name != "ChecksumType"]
    for name in known[1:]:
        del params[name]
    parts = []
    for number in range(1, v.rng.randint(2, 5)):
        part = {"ETag": f'"{v.word()}"', "PartNumber": number}
        if v.maybe():
            part["Checksum" + v.rng.choice(ALL_CHECKSUMS)] = "AAAAAA=="
        parts.append(part)
    params["MultipartUpload"] = {"Parts": parts}


def delete(params, v):
    params["Delete"]["Quiet"] = True
    for each in params["Delete"]["Objects"]:
        each["Key"] = v.key()


def tagging(params, v):
    params["Tagging"] = {"TagSet": tags(v)}


def ec2(operation, params, v):
    for each in params.get("Filters", []):
        each.setdefault("Name", v.word())
        each.setdefault("Values", [v.text()])
    for each in params.get("Tags", []):
        each.setdefault("Key", v.word())
    if operation in ("CreateSnapshot", "CopySnapshot") and v.maybe():
        params["TagSpecifications"] = [{"ResourceType": "snapshot", "Tags": tags(v)}]
    if operation == "CreateTags":
        params["Tags"] = tags(v)
    if operation == "DeleteTags":
        params["Tags"] = [{"Key": tag["Key"]} for tag in tags(v)]
    if operation == "CopySnapshot":
        # Snapshots don't leave their partition.
        params["SourceRegion"] = {"cn-north-1": "cn-northwest-1", "us-gov-west-1": "us-gov-east-1"}.get(
            v.region, "eu-west-1" if v.region in ("eu-central-1", "us-east-1", "ap-southeast-7") else v.region)
    if operation.endswith("ableFastSnapshotRestores"):
        params["AvailabilityZones"] = [v.word()]
    if operation == "ModifyVolume" and "VolumeType" in params:
        params["VolumeType"] = "gp3"
    if operation == "RunInstances":
        run(params, v)


def run(params, v):
    params.setdefault("MetadataOptions", {})["HttpTokens"] = "required"
    params.setdefault("ClientToken", v.word())
    profile = params.get("IamInstanceProfile", {})
    profile and keep_one(profile, ["Arn", "Name"], v)
    if not profile:
        params.pop("IamInstanceProfile", None)
    if "Arn" in profile:
        profile["Arn"] = f"arn:aws:iam::123456789012:instance-profile/{v.word()}"
    if "Name" in profile:
        profile["Name"] = v.word()
    if not params.get("Placement"):
        params.pop("Placement", None)
    if v.maybe(0.3):
        interface = {"DeviceIndex": 0, "AssociatePublicIpAddress": v.maybe()}
        if "SubnetId" in params:
            interface["SubnetId"] = params.pop("SubnetId")
        if "SecurityGroupIds" in params:
            interface["Groups"] = params.pop("SecurityGroupIds")
        params["NetworkInterfaces"] = [interface]
    if v.maybe(0.3):
        params["InstanceMarketOptions"] = {"MarketType": "spot"}
    specifications = [{"ResourceType": kind, "Tags": tags(v)} for kind in ("instance", "volume") if v.maybe()]
    if specifications:
        params["TagSpecifications"] = specifications
    for device in params.get("BlockDeviceMappings", []):
        device["DeviceName"] = f"/dev/xvd{v.word(1, 1)}"
        if not device.get("Ebs"):
            device["Ebs"] = {"VolumeSize": 5}


def ssm(operation, params, v):
    if operation == "DescribeInstanceInformation":
        params["Filters"] = [{"Key": "InstanceIds", "Values": [v.word(), v.word()]}]
        params["MaxResults"] = 50
    if operation == "PutParameter" and "Tags" in params:
        params["Tags"] = tags(v)
    if operation == "SendCommand":
        params.setdefault("InstanceIds", [f"i-{v.word()}"])
        if params.get("CloudWatchOutputConfig"):
            params["CloudWatchOutputConfig"]["CloudWatchOutputEnabled"] = True
        else:
            params.pop("CloudWatchOutputConfig", None)


def cloudformation(operation, params, v):
    names = ["TemplateBody", "TemplateURL", "UsePreviousTemplate"]
    if operation in ("CreateStack", "GetTemplateSummary", "ValidateTemplate"):
        names.pop()
    if operation in ("CreateStack", "UpdateStack", "CreateChangeSet", "GetTemplateSummary", "ValidateTemplate"):
        kept = keep_one(params, names, v)
        params[kept] = True if kept == "UsePreviousTemplate" else v.text()
    if "Parameters" in params:
        # Values in the order of their names, then those that stay.
        given = [{"ParameterKey": tag["Key"], "ParameterValue": tag["Value"]} for tag in tags(v)]
        stay = [{"ParameterKey": f"{tag['Key']}-", "UsePreviousValue": True} for tag in tags(v)] if v.maybe() else []
        params["Parameters"] = given + stay
    if "Tags" in params:
        params["Tags"] = tags(v)
    if operation == "GetTemplate":
        params.update(StackName=v.word(), TemplateStage="Original")
    if operation == "DescribeStackResources":
        params["StackName"] = v.word()
    if params.get("DeletionMode") == "STANDARD":
        del params["DeletionMode"]
    if operation == "CreateChangeSet":
        params["ChangeSetType"] = v.rng.choice(["CREATE", "UPDATE"])


def ecr(operation, params, v):
    pass


def eks(operation, params, v):
    if operation == "DescribeCluster":
        params["name"] = v.word() + "-" + v.word()


def apigateway(operation, params, v):
    params["apiKey"] = v.word() + v.rng.choice(["", "/a b"])
    if not params.get("includeValue"):
        params.pop("includeValue", None)


ADJUSTMENTS = {"sqs": sqs, "sns": sns, "sts": sts, "s3": s3, "ec2": ec2, "ssm": ssm, "cloudformation": cloudformation,
               "eks": eks, "apigateway": apigateway}


# What every answer has, though its shape does not say so: AWSKit takes an answer without it for none.
ALWAYS = {
    "sqs": """SendMessageResult.MessageId Message.MessageId Message.ReceiptHandle CreateQueueResult.QueueUrl
        GetQueueUrlResult.QueueUrl StartMessageMoveTaskResult.TaskHandle""",
    "sns": """PublishResponse.MessageId PublishBatchResultEntry.Id PublishBatchResultEntry.MessageId
        CreateTopicResponse.TopicArn Topic.TopicArn Subscription.SubscriptionArn""",
    "sts": """GetCallerIdentityResponse.Account GetCallerIdentityResponse.Arn GetCallerIdentityResponse.UserId
        AssumeRoleResponse.Credentials AssumeRoleWithWebIdentityResponse.Credentials""",
    "s3": """Object.Key ObjectVersion.Key DeleteMarkerEntry.Key CommonPrefix.Prefix Bucket.Name Part.ETag
        MultipartUpload.Key MultipartUpload.UploadId CreateMultipartUploadOutput.UploadId UploadPartOutput.ETag
        CopyPartResult.ETag UploadPartCopyOutput.CopyPartResult CopyObjectOutput.CopyObjectResult""",
    "ec2": """Instance.InstanceId InstanceStatus.InstanceId InstanceStateChange.InstanceId Image.ImageId Volume.VolumeId
        VolumeModification.VolumeId Snapshot.SnapshotId CopySnapshotResult.SnapshotId
        EnableFastSnapshotRestoreSuccessItem.SnapshotId DisableFastSnapshotRestoreSuccessItem.SnapshotId
        DescribeFastSnapshotRestoreSuccessItem.SnapshotId AvailabilityZone.ZoneName Vpc.VpcId Subnet.SubnetId
        SecurityGroup.GroupId Tag.Key Tag.Value""",
    "ssm": """GetParameterResult.Parameter InstanceInformation.InstanceId SendCommandResult.Command Command.CommandId
        GetCommandInvocationResult.Status""",
    "cloudformation": """CreateStackOutput.StackId UpdateStackOutput.StackId Stack.StackName StackEvent.EventId
        StackResource.LogicalResourceId StackResourceSummary.LogicalResourceId ParameterDeclaration.ParameterKey
        CreateChangeSetOutput.Id GetTemplateOutput.TemplateBody Output.OutputKey Output.OutputValue Parameter.ParameterKey Parameter.ParameterValue""",
    "ecr": "GetAuthorizationTokenResponse.authorizationData AuthorizationData.authorizationToken",
    "eks": "DescribeClusterResponse.cluster Cluster.name",
    "apigateway": "ApiKey.id",
}


# What answers must be like beyond their shapes

def adjust_answer(service, operation, params, value, v):
    """Makes a random answer one that a service could give to these parameters."""
    if service == "sqs":
        # Checksums are of what was sent or comes.
        for entry in [value, *value.get("Successful", []), *value.get("Messages", [])]:
            for name in [name for name in entry if name.startswith("MD5Of")]:
                del entry[name]
        if operation.endswith("Batch"):
            ids = iter(entry["Id"] for entry in params["Entries"])
            for name in ("Successful", "Failed"):
                value[name] = [entry | {"Id": id} for entry, id in zip(value.get(name, []), ids)]
        for received in value.get("Messages", []):
            received.setdefault("MessageId", v.word())
            received.setdefault("ReceiptHandle", v.text())
            message(received, v)
    if service == "sns" and operation == "PublishBatch":
        for index, entry in enumerate(value.get("Successful", []) + value.get("Failed", [])):
            entry["Id"] = f"e{index}"
            entry.setdefault("MessageId", v.word()) if "Code" not in entry else None
    if service == "s3":
        for holder in (value, value.get("CopyObjectResult", {}), value.get("CopyPartResult", {}), *value.get("Parts", [])):
            one_checksum(holder, v)
        if operation == "GetObject":
            value["Body"] = v.rng.randbytes(v.rng.randint(1, 2000))
            value["ContentLength"] = len(value["Body"])
            one_checksum(value, v, none=True)
            algorithm = v.rng.choice(["", *ALL_CHECKSUMS])
            if algorithm:
                value["Checksum" + algorithm] = checksum(algorithm, value["Body"])
            # What was stored is not always what comes.
            if v.maybe(0.2):
                value["Body"] = value["Body"][:-1] + bytes([value["Body"][-1] ^ 1])
        for name in ("Expires", "ExpiresString"):
            value.pop(name, None)
        if operation == "ListBuckets":
            value.pop("ContinuationToken", None)
        if operation == "ListMultipartUploads":
            value.pop("EncodingType", None)
        if operation in ("ListObjectsV2", "ListObjectVersions"):
            encode_keys(value)
    for image in value.get("Images", []):
        if "CreationDate" in image:
            image["CreationDate"] = v.date().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if operation == "GetConsoleOutput" and "Output" in value:
        value["Output"] = base64.b64encode(value["Output"].encode()).decode()
    if service == "ecr" and operation == "GetAuthorizationToken":
        for data in value.get("authorizationData", []):
            data["authorizationToken"] = base64.b64encode(f"AWS:{v.text()}".encode()).decode()
    return value


def pays(operation):
    """Whether S3 takes `RequestPayer` with an operation, as AWSKit sends it."""
    return operation not in ("ListBuckets", "CreateBucket", "DeleteBucket", "HeadBucket", "DeleteObjectTagging")


def encode_keys(value):
    """Keys as S3 writes them where `encoding-type` asks for it."""
    value["EncodingType"] = "url"
    for name in ("Prefix", "Delimiter", "StartAfter", "KeyMarker", "NextKeyMarker"):
        if name in value:
            value[name] = quote_plus(value[name], safe="/")
    for name, key in [("Contents", "Key"), ("Versions", "Key"), ("DeleteMarkers", "Key"), ("CommonPrefixes", "Prefix")]:
        for entry in value.get(name, []):
            entry[key] = quote_plus(entry[key], safe="/")


def one_checksum(value, v, none=False):
    """Leaves one of the checksums that AWSKit knows, or none."""
    known = [name for name in value if name.startswith("Checksum") and name not in ("ChecksumType", "ChecksumAlgorithm")]
    kept = [name for name in known if name[8:] in ALL_CHECKSUMS and not none][:1]
    for name in known:
        if name not in kept:
            del value[name]
