import FoundationEssentials

/// The value of an attribute of a message, in SQS and SNS.
public struct MessageAttributeValue: Sendable, Hashable {
  /// `String`, `Number` or `Binary`, with a label of one's own behind a dot; in SNS also `String.Array`.
  public var dataType: String
  /// The value of strings and numbers.
  public var stringValue: String?
  /// The value of binaries.
  public var binaryValue: [UInt8]?

  /// A value from its parts.
  public init(dataType: String, stringValue: String? = nil, binaryValue: [UInt8]? = nil) {
    (self.dataType, self.stringValue, self.binaryValue) = (dataType, stringValue, binaryValue)
  }

  /// Text.
  public static func string(_ text: String) -> Self { .init(dataType: "String", stringValue: text) }
  /// A number, in decimal and with up to 38 digits.
  public static func number(_ text: String) -> Self { .init(dataType: "Number", stringValue: text) }
  /// Bytes.
  public static func binary(_ bytes: [UInt8]) -> Self { .init(dataType: "Binary", binaryValue: bytes) }

  /// What the value counts against the limit of a message, without the name.
  var byteCount: Int { dataType.utf8.count + (stringValue?.utf8.count ?? 0) + (binaryValue?.count ?? 0) }

  init(xml element: XMLElement) throws(AWSError) {
    dataType = try element.required("DataType")
    stringValue = element.string("StringValue")
    binaryValue = try element.base64("BinaryValue")
  }
}

extension QueryForm {
  /// Adds attributes in the order of their names.
  mutating func add(_ name: String, attributes: [String: MessageAttributeValue]) {
    guard !attributes.isEmpty else { return }
    for (index, pair) in attributes.sorted(by: { $0.key < $1.key }).enumerated() {
      let prefix = "\(name).\(index + 1)"
      add("\(prefix).Name", pair.key)
      add("\(prefix).Value.StringValue", pair.value.stringValue)
      add("\(prefix).Value.BinaryValue", base64: pair.value.binaryValue)
      add("\(prefix).Value.DataType", pair.value.dataType)
    }
  }
}

extension [String: MessageAttributeValue] {
  /// What the attributes count against the limit of a message.
  var byteCount: Int { reduce(0) { $0 + $1.key.utf8.count + $1.value.byteCount } }
}
