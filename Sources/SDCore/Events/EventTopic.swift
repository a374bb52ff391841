/// A topic that hands each publication to the subscriptions whose filter policy matches.
///
/// Guarantees: a returned `publish` is durable, and has reached or will reach every matching subscription at least once.
/// One that throws may have been published all the same, one that is cancelled too; that one returns soon.
public protocol EventTopic: Sendable {
  /// The topic's name, as logs show it.
  var name: String { get }
  /// Bytes of body and attributes together that one publication may have.
  var maximumBytes: Int { get }

  /// Publishes and answers the publication's id, which subscribers see as `MessageId`.
  @discardableResult
  func publish(_ publication: Publication) async throws -> String
}

/// What is published.
public struct Publication: Sendable, Hashable {
  /// The text, UTF-8.
  public var body: [UInt8]
  /// What filter policies of attribute scope see.
  public var attributes: MessageAttributes
  /// Handed on to queues as their message's group (order, or fair share).
  public var groupID: String?

  /// A publication.
  public init(body: [UInt8], attributes: MessageAttributes = [:], groupID: String? = nil) {
    self.body = body
    self.attributes = attributes
    self.groupID = groupID
  }
}

/// A topic that nobody listens to: for workers whose tasks are only ever looked up.
public struct SilentTopic: EventTopic {
  /// The topic of `none:`.
  public init() {}
  public var name: String { "none" }
  public var maximumBytes: Int { 256 << 10 }
  public func publish(_ publication: Publication) async throws -> String { "" }
}
