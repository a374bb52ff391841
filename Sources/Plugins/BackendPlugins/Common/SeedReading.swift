import SDCore

extension JSONValue {
  /// A seed as a request names it: `nil` where it asks for any (absent, null, empty, -1).
  ///
  /// Other negative numbers are what their bits say.
  var seed: UInt64? {
    switch self {
    case .number(let number):
      if let whole = UInt64(number.literal) { return whole }
      guard let int = number.int, int != -1 else { return nil }
      return UInt64(bitPattern: Int64(int))
    case .string(let text): return UInt64(text)
    default: return nil
    }
  }
}
