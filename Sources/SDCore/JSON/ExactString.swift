/// A string that equals another only byte for byte.
///
/// Swift compares strings by canonical equivalence: `é` in one code point equals `é` in two. What travels through this
/// system, keys, member names, filter values, is told apart by its bytes.
package struct ExactString: Hashable, Comparable, Sendable, ExpressibleByStringLiteral {
  /// The string.
  package let text: String

  /// A string by its bytes.
  package init(_ text: String) { self.text = text }
  package init(stringLiteral text: String) { self.text = text }

  package static func == (a: ExactString, b: ExactString) -> Bool { a.text.isIdentical(toBytesOf: b.text) }
  package static func < (a: ExactString, b: ExactString) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }
  package func hash(into hasher: inout Hasher) {
    let hashed: Void? = text.utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: .init($0)) }
    if hashed == nil { Array(text.utf8).withUnsafeBytes { hasher.combine(bytes: $0) } }
  }
}

extension String {
  /// Whether both strings have the same bytes, not merely the same meaning.
  package func isIdentical(toBytesOf other: String) -> Bool { utf8.elementsEqual(other.utf8) }

  /// Whether the bytes of the other string come first in this one's.
  package func startsWithBytes(of prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }
}
