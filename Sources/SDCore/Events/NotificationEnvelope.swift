import FoundationEssentials

/// The JSON that SNS wraps a publication in for subscribers without raw delivery (Amazon SNS Developer Guide, "Parsing
/// Amazon SNS message formats").
public enum NotificationEnvelope {
  /// What a queue's message carries once any envelope is off.
  public struct Opened: Sendable, Hashable {
    /// The publication's body, or the message's own where there was no envelope.
    public var body: [UInt8]
    /// The publication's attributes; those that the message itself bears come on top, since they tell of its delivery.
    public var attributes: MessageAttributes
    /// The publication's id; `nil` where there was no envelope, or none in it.
    public var messageID: String?
    /// Whether there was an envelope.
    public var wasWrapped: Bool

    /// What a queue's message carries.
    public init(body: [UInt8], attributes: MessageAttributes, messageID: String?, wasWrapped: Bool) {
      (self.body, self.attributes) = (body, attributes)
      (self.messageID, self.wasWrapped) = (messageID, wasWrapped)
    }
  }

  /// Wraps a publication.
  ///
  /// `Signature` and the URLs are empty: what no SNS made cannot be verified by its keys.
  ///
  /// - Returns: the JSON text; `nil` when the body is not UTF-8.
  public static func wrap(
    _ publication: Publication, messageID: String, topicARN: String, at time: Timestamp
  ) -> [UInt8]? {
    guard let message = String(validating: publication.body, as: UTF8.self) else { return nil }
    var envelope: JSONObject = [
      "Type": "Notification", "MessageId": .string(messageID), "TopicArn": .string(topicARN),
      "Message": .string(message),
      "Timestamp": .string(time.description), "SignatureVersion": "1", "Signature": "", "SigningCertURL": "",
      "UnsubscribeURL": "",
    ]
    if !publication.attributes.isEmpty {
      let attributes = publication.attributes.sorted { $0.key < $1.key }.map { name, value in
        (name: name, value: JSONValue.object(["Type": .string(value.dataType), "Value": .string(value.wireText)]))
      }
      envelope["MessageAttributes"] = .object(JSONObject(attributes))
    }
    return JSONValue.object(envelope).serialized()
  }

  /// Takes the envelope off a message, if there is one.
  ///
  /// An envelope is a JSON object with a string `Message` that says `"Type": "Notification"` or names a `MessageId` or
  /// `TopicArn`. Anything else is raw and comes back as it is.
  public static func open(_ body: [UInt8], attributes: MessageAttributes) -> Opened {
    let raw = Opened(body: body, attributes: attributes, messageID: nil, wasWrapped: false)
    guard let envelope = try? JSONValue(parsing: body), let message = envelope["Message"]?.string,
      envelope["Type"] == "Notification" || envelope["MessageId"]?.string != nil || envelope["TopicArn"]?.string != nil
    else { return raw }
    var inner: MessageAttributes = [:]
    for (name, value) in envelope["MessageAttributes"]?.object?.members ?? [] {
      inner[name] = AttributeValue(envelope: value)
    }
    return Opened(
      body: Array(message.utf8), attributes: inner.merging(attributes) { _, outer in outer },
      messageID: envelope["MessageId"]?.string, wasWrapped: true)
  }
}

extension AttributeValue {
  /// The value as text, as envelopes and queries carry it: base64 for bytes, JSON for lists.
  package var wireText: String {
    switch self {
    case .string(let text), .number(let text): text
    case .binary(let bytes): Data(bytes).base64EncodedString()
    case .list(let elements): JSONValue.array(elements).text
    }
  }

  /// A value from its data type and text; `nil` where the text is none of the type.
  ///
  /// Custom types (`String.x`, `Number.int`) count as what they begin with.
  package init?(dataType: String, text: String) {
    switch dataType == "String.Array" ? dataType[...] : dataType.prefix(while: { $0 != "." }) {
    case "String.Array":
      guard let elements = (try? JSONValue(parsing: text))?.array else { return nil }
      self = .list(elements)
    case "String": self = .string(text)
    case "Number": self = .number(text)
    case "Binary":
      guard let bytes = Data(base64Encoded: text) else { return nil }
      self = .binary(Array(bytes))
    default: return nil
    }
  }

  fileprivate init?(envelope value: JSONValue) {
    guard let type = value["Type"]?.string, let text = value["Value"]?.string else { return nil }
    self.init(dataType: type, text: text)
  }
}
