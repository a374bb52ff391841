import Testing

@testable import AWSKit

extension JSONValue {
  var attributes: [String: MessageAttributeValue] {
    guard case .object(let fields) = self else { return [:] }
    return fields.mapValues { value in
      MessageAttributeValue(
        dataType: value["DataType"].text ?? "", stringValue: value["StringValue"].text,
        binaryValue: value["BinaryValue"].isNull ? nil : value["BinaryValue"].bytes)
    }
  }

  /// `[{"Key": …, "Value": …}]`.
  var tags: [String: String] {
    var tags: [String: String] = [:]
    for tag in list { tags[tag["Key"].text ?? ""] = tag["Value"].text ?? "" }
    return tags
  }

  func text(_ key: String) -> String { self[key].text ?? "" }
}

extension RequestVectorsTests {
  func sqs(_ sqs: SQS, _ operation: String, _ p: JSONValue) async throws {
    let url = p.text("QueueUrl")
    switch operation {
    case "SendMessage":
      try await sqs.sendMessage(
        .init(
          queueURL: url, body: p.text("MessageBody"), delaySeconds: p["DelaySeconds"].int,
          attributes: p["MessageAttributes"].attributes, systemAttributes: p["MessageSystemAttributes"].attributes,
          deduplicationID: p["MessageDeduplicationId"].text, groupID: p["MessageGroupId"].text))
    case "ReceiveMessage":
      _ = try await sqs.receiveMessage(
        .init(
          queueURL: url, maximum: p["MaxNumberOfMessages"].int, visibilitySeconds: p["VisibilityTimeout"].int,
          waitSeconds: p["WaitTimeSeconds"].int, systemAttributeNames: p["AttributeNames"].texts,
          attributeNames: p["MessageAttributeNames"].texts, attemptID: p["ReceiveRequestAttemptId"].text))
    case "DeleteMessage": try await sqs.deleteMessage(queueURL: url, receiptHandle: p.text("ReceiptHandle"))
    case "ChangeMessageVisibility":
      try await sqs.changeMessageVisibility(
        queueURL: url, receiptHandle: p.text("ReceiptHandle"), seconds: p["VisibilityTimeout"].int ?? -1)
    case "SendMessageBatch":
      _ = try await sqs.sendMessageBatch(
        queueURL: url,
        entries: p["Entries"].list.map { p in
          .init(
            id: p.text("Id"), body: p.text("MessageBody"), delaySeconds: p["DelaySeconds"].int,
            attributes: p["MessageAttributes"].attributes, systemAttributes: p["MessageSystemAttributes"].attributes,
            deduplicationID: p["MessageDeduplicationId"].text, groupID: p["MessageGroupId"].text)
        })
    case "DeleteMessageBatch":
      _ = try await sqs.deleteMessageBatch(
        queueURL: url,
        entries: p["Entries"].list.map { .init(id: $0.text("Id"), receiptHandle: $0.text("ReceiptHandle")) })
    case "ChangeMessageVisibilityBatch":
      _ = try await sqs.changeMessageVisibilityBatch(
        queueURL: url,
        entries: p["Entries"].list.map {
          .init(id: $0.text("Id"), receiptHandle: $0.text("ReceiptHandle"), seconds: $0["VisibilityTimeout"].int ?? -1)
        })
    case "CreateQueue":
      _ = try await sqs.createQueue(
        .init(name: p.text("QueueName"), attributes: p["Attributes"].table, tags: p["tags"].table))
    case "DeleteQueue": try await sqs.deleteQueue(queueURL: url)
    case "PurgeQueue": try await sqs.purgeQueue(queueURL: url)
    case "GetQueueUrl":
      _ = try await sqs.getQueueURL(name: p.text("QueueName"), owner: p["QueueOwnerAWSAccountId"].text)
    case "ListQueues":
      _ = try await sqs.listQueues(
        prefix: p["QueueNamePrefix"].text, maximum: p["MaxResults"].int, nextToken: p["NextToken"].text)
    case "ListDeadLetterSourceQueues":
      _ = try await sqs.listDeadLetterSourceQueues(
        queueURL: url, maximum: p["MaxResults"].int, nextToken: p["NextToken"].text)
    case "GetQueueAttributes": _ = try await sqs.getQueueAttributes(queueURL: url, names: p["AttributeNames"].texts)
    case "SetQueueAttributes": try await sqs.setQueueAttributes(queueURL: url, attributes: p["Attributes"].table)
    case "ListQueueTags": _ = try await sqs.listQueueTags(queueURL: url)
    case "TagQueue": try await sqs.tagQueue(queueURL: url, tags: p["Tags"].table)
    case "UntagQueue": try await sqs.untagQueue(queueURL: url, keys: p["TagKeys"].texts)
    case "AddPermission":
      try await sqs.addPermission(
        queueURL: url, label: p.text("Label"), accountIDs: p["AWSAccountIds"].texts, actions: p["Actions"].texts)
    case "RemovePermission": try await sqs.removePermission(queueURL: url, label: p.text("Label"))
    case "StartMessageMoveTask":
      _ = try await sqs.startMessageMoveTask(
        sourceARN: p.text("SourceArn"), destinationARN: p["DestinationArn"].text,
        messagesPerSecond: p["MaxNumberOfMessagesPerSecond"].int)
    case "CancelMessageMoveTask": try await sqs.cancelMessageMoveTask(taskHandle: p.text("TaskHandle"))
    case "ListMessageMoveTasks":
      _ = try await sqs.listMessageMoveTasks(sourceARN: p.text("SourceArn"), maximum: p["MaxResults"].int)
    default: Issue.record("unknown operation \(operation)")
    }
  }

  func sns(_ sns: SNS, _ operation: String, _ p: JSONValue) async throws {
    let topic = p.text("TopicArn")
    switch operation {
    case "Publish":
      let target: SNS.PublishInput.Target =
        if let arn = p["TargetArn"].text { .endpoint(arn) } else if let phone = p["PhoneNumber"].text {
          .phone(phone)
        } else {
          .topic(topic)
        }
      try await sns.publish(
        .init(
          target: target, message: p.text("Message"), subject: p["Subject"].text, structure: p["MessageStructure"].text,
          attributes: p["MessageAttributes"].attributes, deduplicationID: p["MessageDeduplicationId"].text,
          groupID: p["MessageGroupId"].text))
    case "PublishBatch":
      _ = try await sns.publishBatch(
        topicARN: topic,
        entries: p["PublishBatchRequestEntries"].list.map { p in
          .init(
            id: p.text("Id"), message: p.text("Message"), subject: p["Subject"].text,
            structure: p["MessageStructure"].text, attributes: p["MessageAttributes"].attributes,
            deduplicationID: p["MessageDeduplicationId"].text, groupID: p["MessageGroupId"].text)
        })
    case "CreateTopic":
      _ = try await sns.createTopic(
        .init(name: p.text("Name"), attributes: p["Attributes"].table, tags: p["Tags"].tags))
    case "DeleteTopic": try await sns.deleteTopic(topicARN: topic)
    case "ListTopics": _ = try await sns.listTopics(nextToken: p["NextToken"].text)
    case "GetTopicAttributes": _ = try await sns.getTopicAttributes(topicARN: topic)
    case "SetTopicAttributes":
      try await sns.setTopicAttribute(topicARN: topic, name: p.text("AttributeName"), value: p["AttributeValue"].text)
    case "Subscribe":
      _ = try await sns.subscribe(
        .init(
          topicARN: topic, protocol: p.text("Protocol"), endpoint: p["Endpoint"].text,
          attributes: p["Attributes"].table,
          returnsARN: p["ReturnSubscriptionArn"].bool))
    case "ConfirmSubscription":
      _ = try await sns.confirmSubscription(
        topicARN: topic, token: p.text("Token"),
        authenticatesOnUnsubscribe: p["AuthenticateOnUnsubscribe"].text.map { $0 == "true" })
    case "Unsubscribe": try await sns.unsubscribe(subscriptionARN: p.text("SubscriptionArn"))
    case "GetSubscriptionAttributes":
      _ = try await sns.getSubscriptionAttributes(subscriptionARN: p.text("SubscriptionArn"))
    case "SetSubscriptionAttributes":
      try await sns.setSubscriptionAttribute(
        subscriptionARN: p.text("SubscriptionArn"), name: p.text("AttributeName"), value: p["AttributeValue"].text)
    case "ListSubscriptionsByTopic":
      _ = try await sns.listSubscriptions(topicARN: topic, nextToken: p["NextToken"].text)
    default: Issue.record("unknown operation \(operation)")
    }
  }

  func sts(_ sts: STS, _ operation: String, _ p: JSONValue) async throws {
    switch operation {
    case "GetCallerIdentity": _ = try await sts.getCallerIdentity()
    case "AssumeRole":
      var input = STS.AssumeRoleInput(roleARN: p.text("RoleArn"), sessionName: p.text("RoleSessionName"))
      input.externalID = p["ExternalId"].text
      input.durationSeconds = p["DurationSeconds"].int
      input.policy = p["Policy"].text
      input.policyARNs = p["PolicyArns"].list.map { $0.text("arn") }
      input.tags = p["Tags"].tags
      input.transitiveTagKeys = p["TransitiveTagKeys"].texts
      input.serialNumber = p["SerialNumber"].text
      input.tokenCode = p["TokenCode"].text
      input.sourceIdentity = p["SourceIdentity"].text
      _ = try await sts.assumeRole(input)
    case "AssumeRoleWithWebIdentity":
      var input = STS.AssumeRoleWithWebIdentityInput(
        roleARN: p.text("RoleArn"), sessionName: p.text("RoleSessionName"), webIdentityToken: p.text("WebIdentityToken")
      )
      input.providerID = p["ProviderId"].text
      input.durationSeconds = p["DurationSeconds"].int
      input.policy = p["Policy"].text
      input.policyARNs = p["PolicyArns"].list.map { $0.text("arn") }
      _ = try await sts.assumeRoleWithWebIdentity(input)
    default: Issue.record("unknown operation \(operation)")
    }
  }
}
