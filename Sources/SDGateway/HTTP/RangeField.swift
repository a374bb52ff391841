import SDCore

/// The `Range` field of a request (RFC 9110, section 14.2).
enum RangeField {
  /// The one range asked for; `nil` for none, for several, and for what makes no sense: the whole is sent then.
  static func parse(_ field: String?) -> ByteRange? {
    guard let field, field.hasPrefix("bytes=") else { return nil }
    let text = field.dropFirst("bytes=".count)
    let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let (first, last) = (number(parts[0]), number(parts[1]))
    switch (first, last) {
    case (let first?, let last?): return first <= last ? .bounded(first, last) : nil
    case (let first?, nil): return parts[1].isEmpty ? .from(first) : nil
    case (nil, let last?): return parts[0].isEmpty ? .suffix(last) : nil
    case (nil, nil): return nil
    }
  }

  private static func number(_ text: Substring) -> Int64? {
    guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int64(text)
  }
}
