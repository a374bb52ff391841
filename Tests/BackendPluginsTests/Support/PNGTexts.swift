import ImageKit

/// The texts of a PNG by their keywords.
enum PNGTexts {
  static func read(_ bytes: ArraySlice<UInt8>) throws -> [String: String] {
    try PNGText.read(from: Array(bytes).span).reduce(into: [:]) { $0[$1.keyword] = $1.text }
  }
}
