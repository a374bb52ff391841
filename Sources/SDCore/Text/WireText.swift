// What SQS and SNS take as text: the characters of XML 1.0 (`SendMessage` in the SQS API reference).

extension Unicode.Scalar {
  /// Whether queues and topics of AWS take it.
  package var isTakenByQueues: Bool {
    switch value {
    case 0x09, 0x0A, 0x0D: true
    case 0..<0x20, 0xFFFE, 0xFFFF: false
    default: true
    }
  }
}

extension String {
  /// Whether queues and topics of AWS take it as the value of an attribute.
  package var isTakenByQueues: Bool { !isEmpty && unicodeScalars.allSatisfy(\.isTakenByQueues) }

  /// The text with U+FFFD in place of what queues and topics of AWS do not take.
  package var withoutWhatQueuesRefuse: String {
    guard !unicodeScalars.allSatisfy(\.isTakenByQueues) else { return self }
    var text = UnicodeScalarView()
    for scalar in unicodeScalars { text.append(scalar.isTakenByQueues ? scalar : "\u{FFFD}") }
    return String(text)
  }
}
