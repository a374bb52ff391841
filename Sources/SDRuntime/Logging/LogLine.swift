import Logging
import SDCore

/// What a handler makes of an event: one line, without secrets.
enum LogLine {
  /// A value longer than this is cut: nobody reads it, and it may be an image.
  static let maximumBytes = 8 << 10

  /// A text as it may be shown.
  static func shown(_ text: String) -> String {
    guard text.utf8.count > maximumBytes else { return Redaction.redacted(text) }
    let kept = text.truncated(toUTF8: maximumBytes)
    return Redaction.redacted(kept) + "... (\(text.utf8.count - kept.utf8.count) bytes more)"
  }

  /// An event as one JSON object: `time`, `level`, `logger`, `message`, then the metadata by name; `metadata.` stands before
  /// names that would hide one of those.
  static func json(_ event: LogEvent, metadata: Logger.Metadata, label: String, time: Timestamp) -> [UInt8] {
    var line: [UInt8] = []
    line.reserveCapacity(256)
    line += "{\"time\":\"\(time)\",\"level\":\"\(event.level.rawValue)\",\"logger\":".utf8
    LineText.appendQuoted(label, to: &line)
    line += ",\"message\":".utf8
    LineText.appendQuoted(shown(event.message.description), to: &line)
    if let error = event.error {
      line += ",\"error\":".utf8
      LineText.appendQuoted(shown("\(error)"), to: &line)
    }
    var reserved: Set<String> = ["time", "level", "logger", "message"]
    if event.error != nil { reserved.insert("error") }
    for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
      line.append(UInt8(ascii: ","))
      LineText.appendQuoted(reserved.contains(name) ? "metadata.\(name)" : name, to: &line)
      line.append(UInt8(ascii: ":"))
      appendJSON(value, named: name, to: &line)
    }
    line += "}\n".utf8
    return line
  }

  /// An event as `23:15:29.104 warning message  task=307 reason="took too long"`.
  static func text(_ event: LogEvent, metadata: Logger.Metadata, time: Timestamp, colours: Bool) -> [UInt8] {
    var line: [UInt8] = []
    line.reserveCapacity(160)
    let clock = "\(time)".split(separator: "T").last.map { $0.prefix { $0 != "Z" } } ?? ""
    let level = event.level.rawValue + String(repeating: " ", count: max(0, 8 - event.level.rawValue.utf8.count))
    let colour = colours ? colour(of: event.level) : nil
    line += clock.utf8
    line += " \(colour ?? "")\(level)\(colour == nil ? "" : "\u{1B}[0m") ".utf8
    LineText.appendPlain(shown(event.message.description), to: &line)
    var metadata = metadata
    if let error = event.error { metadata["error"] = "\(error)" }
    var separator = "  "
    for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
      line += separator.utf8
      separator = " "
      if colours { line += "\u{1B}[2m".utf8 }
      LineText.appendPlain(name, to: &line)
      line.append(UInt8(ascii: "="))
      if colours { line += "\u{1B}[0m".utf8 }
      let text = text(of: value, named: name)
      let isWord = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") }
      if isWord { LineText.appendPlain(text, to: &line) } else { LineText.appendQuoted(text, to: &line) }
    }
    line.append(UInt8(ascii: "\n"))
    return line
  }

  /// A value of metadata as text; lists and dictionaries as JSON.
  private static func text(of value: Logger.MetadataValue, named name: String) -> String {
    if Redaction.isSecret(name) { return "***" }
    switch value {
    case .string(let text): return shown(text)
    case .stringConvertible(let value): return shown(value.description)
    case .array, .dictionary:
      var bytes: [UInt8] = []
      appendJSON(value, named: name, to: &bytes)
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  private static func colour(of level: Logger.Level) -> String? {
    switch level {
    case .trace, .debug: "\u{1B}[2m"
    case .info, .notice: "\u{1B}[32m"
    case .warning: "\u{1B}[33m"
    case .error, .critical: "\u{1B}[31m"
    }
  }

  private static func appendJSON(_ value: Logger.MetadataValue, named name: String, to line: inout [UInt8]) {
    if Redaction.isSecret(name) {
      line += "\"***\"".utf8
      return
    }
    switch value {
    case .string(let text): LineText.appendQuoted(shown(text), to: &line)
    case .stringConvertible(let value): LineText.appendQuoted(shown(value.description), to: &line)
    case .array(let elements):
      line.append(UInt8(ascii: "["))
      for (position, element) in elements.enumerated() {
        if position > 0 { line.append(UInt8(ascii: ",")) }
        appendJSON(element, named: name, to: &line)
      }
      line.append(UInt8(ascii: "]"))
    case .dictionary(let members):
      line.append(UInt8(ascii: "{"))
      for (position, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if position > 0 { line.append(UInt8(ascii: ",")) }
        LineText.appendQuoted(member.key, to: &line)
        line.append(UInt8(ascii: ":"))
        appendJSON(member.value, named: member.key, to: &line)
      }
      line.append(UInt8(ascii: "}"))
    }
  }
}
