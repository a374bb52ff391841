import AWSKit
import FoundationEssentials
import SDCore

// A message's attributes as SQS and SNS have them. X-Ray's header is a system attribute in SQS, and one of ours like any
// other here.

extension MessageAttributes {
  /// The most that a message may have; SNS drops what has more on its way to a queue with raw delivery.
  static let maximumCount = 10

  /// The attributes of a received message.
  init(_ message: SQS.Message) {
    self = message.attributes.compactMapValues { AttributeValue($0) }
    if let header = message.systemAttributes[TraceHeader.awsTraceHeader] {
      self[TraceHeader.awsTraceHeader] = .string(header)
    }
  }

  /// As the services take them.
  var wire: [String: MessageAttributeValue] { mapValues { $0.wire } }

  /// As SQS takes them: X-Ray's header apart.
  var queueWire: (own: [String: MessageAttributeValue], system: [String: MessageAttributeValue]) {
    var own = wire
    guard let header = own.removeValue(forKey: TraceHeader.awsTraceHeader) else { return (own, [:]) }
    return (own, [TraceHeader.awsTraceHeader: header])
  }

  /// Why the services would not take these, or `nil`.
  ///
  /// Amazon SQS Developer Guide, "Amazon SQS message attributes": names of 1 to 256 letters, digits, `_`, `-` and `.`, no
  /// value empty, ten at most.
  var refusal: String? {
    if count(where: { $0.key != TraceHeader.awsTraceHeader }) > Self.maximumCount {
      return "it has \(count) attributes, of which \(Self.maximumCount) are taken"
    }
    for (name, value) in self {
      guard Self.isName(name) else { return "\(name.debugDescription) is no name of an attribute" }
      if let why = value.refusal { return "its attribute \(name) \(why)" }
    }
    return nil
  }

  private static func isName(_ name: String) -> Bool {
    guard (1...256).contains(name.utf8.count), name.first != ".", name.last != ".", !name.contains("..") else {
      return false
    }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
      default: false
      }
    }
  }
}

extension AttributeValue {
  /// A received attribute; `nil` for types that are none of ours.
  init?(_ value: MessageAttributeValue) {
    if let bytes = value.binaryValue {
      self = .binary(bytes)
    } else {
      self.init(dataType: value.dataType, text: value.stringValue ?? "")
    }
  }

  /// As the services take it.
  var wire: MessageAttributeValue {
    switch self {
    case .binary(let bytes): MessageAttributeValue(dataType: dataType, binaryValue: bytes)
    case .string, .number, .list: MessageAttributeValue(dataType: dataType, stringValue: wireText)
    }
  }

  fileprivate var refusal: String? {
    switch self {
    case .binary(let bytes): bytes.isEmpty ? "is empty" : nil
    case .string, .number, .list:
      wireText.isEmpty ? "is empty" : MessageText.isAllowed(wireText.utf8) ? nil : "has characters that are not taken"
    }
  }
}

/// What text SQS and SNS take: the characters of XML 1.0 (`SendMessage` in the SQS API reference).
enum MessageText {
  /// Whether bytes are UTF-8 without characters that are not taken.
  static func isAllowed(_ bytes: some Collection<UInt8>) -> Bool {
    var last: (UInt8, UInt8) = (0, 0)
    for byte in bytes {
      if byte < 0x20, byte != 0x09, byte != 0x0A, byte != 0x0D { return false }
      // U+FFFE and U+FFFF.
      if byte >= 0xBE, last == (0xEF, 0xBF), byte == 0xBE || byte == 0xBF { return false }
      last = (last.1, byte)
    }
    return true
  }
}
