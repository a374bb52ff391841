import AWSKit

extension Case {
  func sns(_ sns: SNS) async throws -> Any {
    let (p, topic) = (params, params.text("TopicArn"))
    switch operation {
    case "Publish":
      let target: SNS.PublishInput.Target =
        if let arn = p["TargetArn"].text { .endpoint(arn) } else if let phone = p["PhoneNumber"].text {
          .phone(phone)
        } else {
          .topic(topic)
        }
      return try await sns.publish(
        .init(
          target: target, message: p.text("Message"), subject: p["Subject"].text, structure: p["MessageStructure"].text,
          attributes: p["MessageAttributes"].attributes, deduplicationID: p["MessageDeduplicationId"].text,
          groupID: p["MessageGroupId"].text))
    case "PublishBatch":
      return try await sns.publishBatch(
        topicARN: topic,
        entries: p["PublishBatchRequestEntries"].list.map { p in
          .init(
            id: p.text("Id"), message: p.text("Message"), subject: p["Subject"].text,
            structure: p["MessageStructure"].text, attributes: p["MessageAttributes"].attributes,
            deduplicationID: p["MessageDeduplicationId"].text, groupID: p["MessageGroupId"].text)
        })
    case "CreateTopic":
      return try await sns.createTopic(
        .init(name: p.text("Name"), attributes: p["Attributes"].table, tags: p["Tags"].tags))
    case "DeleteTopic": return try await sns.deleteTopic(topicARN: topic)
    case "ListTopics": return try await sns.listTopics(nextToken: p["NextToken"].text)
    case "GetTopicAttributes": return try await sns.getTopicAttributes(topicARN: topic)
    case "SetTopicAttributes":
      return try await sns.setTopicAttribute(
        topicARN: topic, name: p.text("AttributeName"), value: p["AttributeValue"].text)
    case "ListTagsForResource": return try await sns.listTags(topicARN: p.text("ResourceArn"))
    case "TagResource": return try await sns.tagTopic(topicARN: p.text("ResourceArn"), tags: p["Tags"].tags)
    case "UntagResource": return try await sns.untagTopic(topicARN: p.text("ResourceArn"), keys: p["TagKeys"].texts)
    default: return try await subscriptions(sns)
    }
  }

  private func subscriptions(_ sns: SNS) async throws -> Any {
    let (p, topic, subscription) = (params, params.text("TopicArn"), params.text("SubscriptionArn"))
    switch operation {
    case "Subscribe":
      return try await sns.subscribe(
        .init(
          topicARN: topic, protocol: p.text("Protocol"), endpoint: p["Endpoint"].text,
          attributes: p["Attributes"].table, returnsARN: p["ReturnSubscriptionArn"].bool)) as Any
    case "ConfirmSubscription":
      return try await sns.confirmSubscription(
        topicARN: topic, token: p.text("Token"),
        authenticatesOnUnsubscribe: p["AuthenticateOnUnsubscribe"].text.map { $0 == "true" }) as Any
    case "Unsubscribe": return try await sns.unsubscribe(subscriptionARN: subscription)
    case "GetSubscriptionAttributes":
      return try await sns.getSubscriptionAttributes(subscriptionARN: subscription)
    case "SetSubscriptionAttributes":
      return try await sns.setSubscriptionAttribute(
        subscriptionARN: subscription, name: p.text("AttributeName"), value: p["AttributeValue"].text)
    case "ListSubscriptionsByTopic", "ListSubscriptions":
      return try await sns.listSubscriptions(topicARN: p["TopicArn"].text, nextToken: p["NextToken"].text)
    default: throw UnknownCall(name: operation)
    }
  }

  func sts(_ sts: STS) async throws -> Any {
    let p = params
    switch operation {
    case "GetCallerIdentity": return try await sts.getCallerIdentity()
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
      return try await sts.assumeRole(input)
    case "AssumeRoleWithWebIdentity":
      var input = STS.AssumeRoleWithWebIdentityInput(
        roleARN: p.text("RoleArn"), sessionName: p.text("RoleSessionName"),
        webIdentityToken: p.text("WebIdentityToken"))
      input.providerID = p["ProviderId"].text
      input.durationSeconds = p["DurationSeconds"].int
      input.policy = p["Policy"].text
      input.policyARNs = p["PolicyArns"].list.map { $0.text("arn") }
      return try await sts.assumeRoleWithWebIdentity(input)
    default: throw UnknownCall(name: operation)
    }
  }
}
