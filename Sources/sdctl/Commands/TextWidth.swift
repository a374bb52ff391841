extension StringProtocol {
  /// Columns that the text takes on a terminal: wide characters take two, marks that sit on others none.
  var columns: Int { reduce(0) { $0 + $1.columns } }

  /// The text in at most so many columns, with an ellipsis for what is left out.
  func fitted(to width: Int) -> String {
    guard columns > width else { return String(self) }
    var (text, used) = ("", 0)
    for character in self {
      guard used + character.columns <= width - 1 else { break }
      text.append(character)
      used += character.columns
    }
    return text + "…"
  }

  /// The same, with what is left out at the beginning: the end of a path or an image's name says most.
  func fittedFromEnd(to width: Int) -> String {
    guard columns > width else { return String(self) }
    return "…" + String(String(reversed()).fitted(to: width).dropLast().reversed())
  }

  /// The text with spaces behind it up to so many columns.
  func padded(to width: Int) -> String { self + String(repeating: " ", count: Swift.max(0, width - columns)) }
}

extension Character {
  /// Columns on a terminal (Unicode Standard Annex 11, "East Asian Width").
  fileprivate var columns: Int {
    guard let scalar = unicodeScalars.first else { return 0 }
    if isASCII { return scalar.value < 0x20 ? 0 : 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    if scalar.properties.isEmojiPresentation || unicodeScalars.contains("\u{FE0F}") { return 2 }
    return Self.wide.contains { $0.contains(scalar.value) } ? 2 : 1
  }

  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
    0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF,
    0x20000...0x3FFFD,
  ]
}
