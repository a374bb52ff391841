import ImageKit

/// The note that web UIs write into their PNGs under `parameters`: prompts, then values on the last line.
struct Infotext {
  private let line: Substring

  init(_ text: String) { line = text.split(whereSeparator: \.isNewline).last ?? "" }

  init?(png bytes: ArraySlice<UInt8>) {
    guard MediaFormat.detect(bytes.span) == .png else { return nil }
    let texts = try? PNGText.read(from: bytes.span, limits: .outputs)
    guard let text = texts?.first(where: { $0.keyword == "parameters" })?.text else { return nil }
    self.init(text)
  }

  var seed: UInt64? { self["Seed"].flatMap { UInt64($0) ?? Int64($0).map { UInt64(bitPattern: $0) } } }

  /// A value of the last line, by the name before its colon; quoted ones as they stand.
  subscript(name: String) -> String? {
    var isQuoted = false
    let parts = line.split { character in
      if character == "\"" { isQuoted.toggle() }
      return character == "," && !isQuoted
    }
    for part in parts {
      let pair = part.split(separator: ":", maxSplits: 1)
      guard pair.count == 2, pair[0].trimmed == name else { continue }
      let value = pair[1].trimmed
      return value.isEmpty ? nil : String(value)
    }
    return nil
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    var text = drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
