import Crypto

extension SQS {
  /// The MD5 of a body, in hexadecimal, as SQS tells it.
  static func md5(_ text: String) -> String {
    var text = text
    return text.withUTF8 { bytes in
      var hasher = Insecure.MD5()
      hasher.update(bufferPointer: UnsafeRawBufferPointer(bytes))
      return hexText(hasher.finalize())
    }
  }

  /// The MD5 of attributes, after "Calculating the MD5 message digest for message attributes" in the developer guide;
  /// `nil` where there are none.
  static func md5(_ attributes: [String: MessageAttributeValue]) -> String? {
    guard !attributes.isEmpty else { return nil }
    var bytes: [UInt8] = []
    func append(_ part: some Collection<UInt8>) {
      withUnsafeBytes(of: UInt32(truncatingIfNeeded: part.count).bigEndian) { bytes.append(contentsOf: $0) }
      bytes.append(contentsOf: part)
    }
    for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
      append(name.utf8)
      append(value.dataType.utf8)
      if let binary = value.binaryValue {
        bytes.append(2)
        append(binary)
      } else {
        bytes.append(1)
        append((value.stringValue ?? "").utf8)
      }
    }
    return hexText(Insecure.MD5.hash(data: bytes))
  }

  /// Refuses an answer whose checksums don't fit what was sent.
  static func verify(
    _ sent: SentMessage, body: String, attributes: [String: MessageAttributeValue],
    systemAttributes: [String: MessageAttributeValue]
  ) throws(AWSError) {
    func check(_ told: String?, _ own: String?, _ what: String) throws(AWSError) {
      guard told == nil || told == own else {
        throw AWSError(.checksumMismatch, "the message \(sent.messageID) arrived with other \(what) than were sent")
      }
    }
    try check(sent.bodyMD5, sent.bodyMD5 == nil ? nil : md5(body), "bytes in its body")
    try check(sent.attributesMD5, md5(attributes), "attributes")
    try check(sent.systemAttributesMD5, md5(systemAttributes), "system attributes")
  }
}
