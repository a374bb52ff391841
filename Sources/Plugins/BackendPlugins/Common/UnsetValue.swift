import SDCore

extension JSONValue {
  /// Whether leaving it out changes nothing: what web UI clients send along unset.
  var saysNothing: Bool {
    switch self {
    case .null, .bool(false): true
    case .string(let text): text.isEmpty
    case .array(let elements): elements.isEmpty
    case .object(let object): object.isEmpty
    default: false
    }
  }
}
