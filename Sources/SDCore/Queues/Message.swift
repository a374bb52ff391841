/// A message as it is sent.
public struct OutgoingMessage: Sendable, Hashable {
  /// The text, UTF-8.
  public var body: [UInt8]
  /// What routes and traces it.
  public var attributes: MessageAttributes
  /// On queues with `.groups`: the group whose order holds. With `.fairShare`: the tenant.
  public var groupID: String?
  /// On queues with `.deduplication`: a second message with this id within five minutes is dropped.
  public var deduplicationID: String?
  /// On queues with `.delay`: not handed out before this has passed.
  public var delay: Duration

  /// A message to send.
  public init(
    body: [UInt8], attributes: MessageAttributes = [:], groupID: String? = nil, deduplicationID: String? = nil,
    delay: Duration = .zero
  ) {
    self.body = body
    self.attributes = attributes
    self.groupID = groupID
    self.deduplicationID = deduplicationID
    self.delay = delay
  }

  /// Bytes that count against `QueueCapabilities.maximumBytes`: body, attribute names, types and values.
  public var byteCount: Int { body.count + attributes.reduce(0) { $0 + $1.key.utf8.count + $1.value.byteCount } }
}

/// Attributes of a message by name.
public typealias MessageAttributes = [String: AttributeValue]

/// The value of a message attribute, in the types that SNS and SQS have (SNS "Message attribute data types").
public enum AttributeValue: Sendable, Hashable {
  case string(String)
  /// A number by its digits.
  case number(String)
  case binary([UInt8])
  /// `String.Array`: a JSON array of strings, numbers, booleans and nulls, for filter policies.
  case list([JSONValue])

  /// The text of a string or number.
  public var text: String? {
    switch self {
    case .string(let text), .number(let text): text
    case .binary, .list: nil
    }
  }

  /// The data type's name on the wire.
  public var dataType: String {
    switch self {
    case .string: "String"
    case .number: "Number"
    case .binary: "Binary"
    case .list: "String.Array"
    }
  }

  /// Bytes of type and value.
  var byteCount: Int {
    let value =
      switch self {
      case .string(let text), .number(let text): text.utf8.count
      case .binary(let bytes): bytes.count
      case .list(let elements): JSONValue.array(elements).serialized().count
      }
    return dataType.utf8.count + value
  }
}

extension AttributeValue: ExpressibleByStringLiteral {
  public init(stringLiteral value: String) { self = .string(value) }
}

extension AttributeValue: Codable {
  private enum Key: String, CodingKey {
    case string = "s", number = "n", binary = "b", list = "l"
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    if let text = try container.decodeIfPresent(String.self, forKey: .string) {
      self = .string(text)
    } else if let text = try container.decodeIfPresent(String.self, forKey: .number) {
      self = .number(text)
    } else if let bytes = try container.decodeIfPresent([UInt8].self, forKey: .binary) {
      self = .binary(bytes)
    } else {
      self = .list(try container.decode([JSONValue].self, forKey: .list))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .string(let text): try container.encode(text, forKey: .string)
    case .number(let text): try container.encode(text, forKey: .number)
    case .binary(let bytes): try container.encode(bytes, forKey: .binary)
    case .list(let elements): try container.encode(elements, forKey: .list)
    }
  }
}

/// A message in the hands of one consumer for a time.
///
/// A value, free to copy; the worker's held lease alone owns its end.
public struct Lease: Sendable, Hashable {
  /// What the queue wants to see when the lease is extended or ended; opaque.
  public var receipt: String
  /// The message's id, the same at each delivery.
  public var messageID: String
  /// The text, as it was sent or as it was damaged on the way.
  public var body: [UInt8]
  /// What it was sent with.
  public var attributes: MessageAttributes
  /// The group it was sent in.
  public var groupID: String?
  /// How many times it has been handed out, this time included.
  public var receiveCount: Int
  /// When it was sent, where the queue tells.
  public var sentAt: Timestamp?
  /// When the lease runs out, counted from when the request was sent, or from shortly before its answer where it waited:
  /// never later than the queue has it.
  public var deadline: MonotonicInstant

  /// A lease; for queues.
  public init(
    receipt: String, messageID: String, body: [UInt8], attributes: MessageAttributes, groupID: String? = nil,
    receiveCount: Int, sentAt: Timestamp?, deadline: MonotonicInstant
  ) {
    self.receipt = receipt
    self.messageID = messageID
    self.body = body
    self.attributes = attributes
    self.groupID = groupID
    self.receiveCount = receiveCount
    self.sentAt = sentAt
    self.deadline = deadline
  }
}

/// Why a message went to the dead-letter queue. It travels in the letter's attributes.
public struct DeadLetterReason: Sendable, Hashable {
  /// Name of the attribute that carries `code`; its presence marks a letter that we moved.
  public static let codeAttribute = "sd_dead_letter_code"
  /// Name of the attribute that carries `message`.
  public static let messageAttribute = "sd_dead_letter_reason"
  /// Name of the attribute that carries the id which the letter had in the queue that it was moved from.
  public static let messageIDAttribute = "sd_dead_letter_message_id"

  /// A word for machines: `poison`, or a task's error code.
  public var code: String
  /// A sentence for people.
  public var message: String

  /// A reason; the message is cut to 1,024 bytes so that it always fits beside a body, and what queues refuse is replaced:
  /// a letter must be writable whatever it is about.
  public init(code: String, message: String) {
    self.code = code.withoutWhatQueuesRefuse
    self.message = message.withoutWhatQueuesRefuse.truncated(toUTF8: 1024)
  }

  /// The reason that a letter carries, if any.
  public init?(_ attributes: MessageAttributes) {
    guard let code = attributes[Self.codeAttribute]?.text else { return nil }
    self.init(code: code, message: attributes[Self.messageAttribute]?.text ?? "")
  }

  /// The attributes that carry it.
  public var attributes: MessageAttributes {
    [Self.codeAttribute: .string(code), Self.messageAttribute: .string(message)]
  }
}

extension String {
  /// The longest prefix of whole characters within so many bytes of UTF-8.
  package func truncated(toUTF8 limit: Int) -> String {
    guard utf8.count > limit else { return self }
    var end = utf8.index(utf8.startIndex, offsetBy: limit)
    while end > startIndex, String.Index(end, within: self) == nil { end = utf8.index(before: end) }
    return String(self[..<end])
  }
}
