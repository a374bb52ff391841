public import AWSKit
public import SDCore

/// A topic of Amazon SNS.
///
/// A group id is handed on to queues: order on FIFO topics, fair share on others. Subscriptions are the infrastructure's; see
/// its templates for their filter policies.
public struct SNSTopic: EventTopic {
  public let name: String
  public let maximumBytes: Int
  /// The topic's ARN.
  public let arn: String
  private let sns: SNS
  private let isFIFO: Bool

  /// What a topic takes unless its `MaximumMessageSize` was raised.
  public static let standardBytes = 256 << 10

  /// The topic of an ARN, whose region goes before the client's; nothing is asked before the first call.
  ///
  /// - Throws: `.configuration` for what is no ARN of a topic.
  public init(arn: String, client: AWSClient, maximumBytes: Int = standardBytes) throws(SDError) {
    guard let parts = ARN(arn), parts.service == "sns", !parts.resource.isEmpty else {
      throw SDError(.configuration, "\(arn.debugDescription) is no ARN of an SNS topic")
    }
    do { sns = try SNS(client, region: parts.region.isEmpty ? nil : parts.region) } catch {
      throw SDError(.configuration, "topic \(parts.resource): \(error.message)", underlying: error)
    }
    (self.arn, name, self.maximumBytes) = (arn, parts.resource, maximumBytes)
    isFIFO = parts.resource.hasSuffix(".fifo")
  }

  @discardableResult
  public func publish(_ publication: Publication) async throws -> String {
    if let refusal = refusal(of: publication) { throw refusal }
    let message = SNS.PublishInput(
      topicARN: arn, message: String(decoding: publication.body, as: UTF8.self),
      attributes: publication.attributes.wire, deduplicationID: isFIFO ? RandomName.make() : nil,
      groupID: publication.groupID)
    return try await attempting("publishing to topic \(name)") { () async throws(AWSError) in
      try await sns.publish(message)
    }.messageID
  }

  private func refusal(of publication: Publication) -> SDError? {
    let size = OutgoingMessage(body: publication.body, attributes: publication.attributes).byteCount
    guard size <= maximumBytes else {
      return SDError(.tooLarge, "a publication of \(size) bytes on topic \(name), which takes \(maximumBytes)")
    }
    func refuse(_ why: String) -> SDError { SDError(.invalid, "a publication on topic \(name): \(why)") }
    if publication.body.isEmpty { return refuse("it is empty") }
    guard String(validating: publication.body, as: UTF8.self) != nil, MessageText.isAllowed(publication.body) else {
      return refuse("it is no text of the characters that SNS takes")
    }
    if let why = publication.attributes.refusal { return refuse(why) }
    if isFIFO, publication.groupID == nil { return refuse("a FIFO topic wants a group") }
    return nil
  }
}
