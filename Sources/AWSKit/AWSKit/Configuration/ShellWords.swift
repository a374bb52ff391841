/// Splits a command line, or a section's name, as a POSIX shell would, without running one.
enum ShellWords {
  /// The words; `nil` when a quotation or an escape is not ended.
  static func split(_ text: String) -> [String]? {
    var words: [String] = []
    var word = ""
    var isInWord = false
    var quote: Unicode.Scalar?
    var isEscaped = false
    for scalar in text.unicodeScalars {
      if isEscaped {
        // Within double quotes only the quote and the backslash can be escaped.
        if quote != nil, scalar != "\"", scalar != "\\" { word.unicodeScalars.append("\\") }
        word.unicodeScalars.append(scalar)
        isEscaped = false
      } else if let open = quote {
        if scalar == open {
          quote = nil
        } else if scalar == "\\", open == "\"" {
          isEscaped = true
        } else {
          word.unicodeScalars.append(scalar)
        }
      } else {
        switch scalar {
        case " ", "\t", "\r", "\n":
          if isInWord { words.append(word) }
          (word, isInWord) = ("", false)
        case "\"", "'":
          (quote, isInWord) = (scalar, true)
        case "\\":
          (isEscaped, isInWord) = (true, true)
        default:
          word.unicodeScalars.append(scalar)
          isInWord = true
        }
      }
    }
    guard quote == nil, !isEscaped else { return nil }
    if isInWord { words.append(word) }
    return words
  }
}
