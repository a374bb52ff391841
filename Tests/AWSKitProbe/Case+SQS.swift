import AWSKit

extension JSONValue {
  /// Message attributes, as SQS and SNS have them.
  var attributes: [String: MessageAttributeValue] {
    guard case .object(let members) = self else { return [:] }
    return members.mapValues { value in
      MessageAttributeValue(
        dataType: value.text("DataType"), stringValue: value["StringValue"].text,
        binaryValue: value["BinaryValue"].isNull ? nil : value["BinaryValue"].bytes)
    }
  }
}

extension Case {
  func sqs(_ sqs: SQS) async throws -> Any {
    let (p, url) = (params, params.text("QueueUrl"))
    switch operation {
    case "SendMessage":
      return try await sqs.sendMessage(
        .init(
          queueURL: url, body: p.text("MessageBody"), delaySeconds: p["DelaySeconds"].int,
          attributes: p["MessageAttributes"].attributes, systemAttributes: p["MessageSystemAttributes"].attributes,
          deduplicationID: p["MessageDeduplicationId"].text, groupID: p["MessageGroupId"].text))
    case "ReceiveMessage":
      return try await sqs.receiveMessage(
        .init(
          queueURL: url, maximum: p["MaxNumberOfMessages"].int, visibilitySeconds: p["VisibilityTimeout"].int,
          waitSeconds: p["WaitTimeSeconds"].int, systemAttributeNames: p["AttributeNames"].texts,
          attributeNames: p["MessageAttributeNames"].texts, attemptID: p["ReceiveRequestAttemptId"].text))
    case "DeleteMessage": return try await sqs.deleteMessage(queueURL: url, receiptHandle: p.text("ReceiptHandle"))
    case "ChangeMessageVisibility":
      return try await sqs.changeMessageVisibility(
        queueURL: url, receiptHandle: p.text("ReceiptHandle"), seconds: p["VisibilityTimeout"].int ?? -1)
    case "SendMessageBatch":
      return try await sqs.sendMessageBatch(
        queueURL: url,
        entries: p["Entries"].list.map { p in
          .init(
            id: p.text("Id"), body: p.text("MessageBody"), delaySeconds: p["DelaySeconds"].int,
            attributes: p["MessageAttributes"].attributes, systemAttributes: p["MessageSystemAttributes"].attributes,
            deduplicationID: p["MessageDeduplicationId"].text, groupID: p["MessageGroupId"].text)
        })
    case "DeleteMessageBatch":
      return try await sqs.deleteMessageBatch(
        queueURL: url,
        entries: p["Entries"].list.map { .init(id: $0.text("Id"), receiptHandle: $0.text("ReceiptHandle")) })
    case "ChangeMessageVisibilityBatch":
      return try await sqs.changeMessageVisibilityBatch(
        queueURL: url,
        entries: p["Entries"].list.map {
          .init(id: $0.text("Id"), receiptHandle: $0.text("ReceiptHandle"), seconds: $0["VisibilityTimeout"].int ?? -1)
        })
    default: return try await queues(sqs)
    }
  }

  private func queues(_ sqs: SQS) async throws -> Any {
    let (p, url) = (params, params.text("QueueUrl"))
    switch operation {
    case "CreateQueue":
      return try await sqs.createQueue(
        .init(name: p.text("QueueName"), attributes: p["Attributes"].table, tags: p["tags"].table))
    case "DeleteQueue": return try await sqs.deleteQueue(queueURL: url)
    case "PurgeQueue": return try await sqs.purgeQueue(queueURL: url)
    case "GetQueueUrl":
      return try await sqs.getQueueURL(name: p.text("QueueName"), owner: p["QueueOwnerAWSAccountId"].text)
    case "ListQueues":
      return try await sqs.listQueues(
        prefix: p["QueueNamePrefix"].text, maximum: p["MaxResults"].int, nextToken: p["NextToken"].text)
    case "ListDeadLetterSourceQueues":
      return try await sqs.listDeadLetterSourceQueues(
        queueURL: url, maximum: p["MaxResults"].int, nextToken: p["NextToken"].text)
    case "GetQueueAttributes":
      return try await sqs.getQueueAttributes(queueURL: url, names: p["AttributeNames"].texts)
    case "SetQueueAttributes":
      return try await sqs.setQueueAttributes(queueURL: url, attributes: p["Attributes"].table)
    case "ListQueueTags": return try await sqs.listQueueTags(queueURL: url)
    case "TagQueue": return try await sqs.tagQueue(queueURL: url, tags: p["Tags"].table)
    case "UntagQueue": return try await sqs.untagQueue(queueURL: url, keys: p["TagKeys"].texts)
    case "AddPermission":
      return try await sqs.addPermission(
        queueURL: url, label: p.text("Label"), accountIDs: p["AWSAccountIds"].texts, actions: p["Actions"].texts)
    case "RemovePermission": return try await sqs.removePermission(queueURL: url, label: p.text("Label"))
    case "StartMessageMoveTask":
      return try await sqs.startMessageMoveTask(
        sourceARN: p.text("SourceArn"), destinationARN: p["DestinationArn"].text,
        messagesPerSecond: p["MaxNumberOfMessagesPerSecond"].int)
    case "CancelMessageMoveTask": return try await sqs.cancelMessageMoveTask(taskHandle: p.text("TaskHandle"))
    case "ListMessageMoveTasks":
      return try await sqs.listMessageMoveTasks(sourceARN: p.text("SourceArn"), maximum: p["MaxResults"].int)
    default: throw UnknownCall(name: operation)
    }
  }
}
