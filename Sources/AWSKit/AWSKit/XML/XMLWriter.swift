/// Writes the small documents that S3 takes as bodies.
struct XMLWriter {
  private(set) var bytes: [UInt8] = []

  /// A document with a root element in a namespace.
  init(root: StaticString, namespace: StaticString, _ content: (inout XMLWriter) throws(AWSError) -> Void)
    throws(AWSError)
  {
    bytes.append("<")
    bytes.append(root)
    bytes.append(" xmlns=\"")
    bytes.append(namespace)
    bytes.append("\">")
    try content(&self)
    close(root)
  }

  /// An element with elements in it.
  mutating func element(_ name: StaticString, _ content: (inout XMLWriter) throws(AWSError) -> Void) throws(AWSError) {
    open(name)
    try content(&self)
    close(name)
  }

  /// An element with text in it, unless there is none.
  ///
  /// - Throws: ``AWSError/Code/invalidInput`` for text with characters that XML 1.0 cannot hold.
  mutating func add(_ name: StaticString, _ text: String?) throws(AWSError) {
    guard let text else { return }
    open(name)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "&"): bytes.append("&amp;")
      case UInt8(ascii: "<"): bytes.append("&lt;")
      case UInt8(ascii: ">"): bytes.append("&gt;")
      case 0x09, 0x0A, 0x0D: bytes.append("&#\(byte);")
      case 0..<0x20: throw AWSError(.invalidInput, "<\(name)> has a control character, which XML cannot hold")
      default: bytes.append(byte)
      }
    }
    close(name)
  }

  private mutating func open(_ name: StaticString) {
    bytes.append("<")
    bytes.append(name)
    bytes.append(">")
  }

  private mutating func close(_ name: StaticString) {
    bytes.append("</")
    bytes.append(name)
    bytes.append(">")
  }
}
