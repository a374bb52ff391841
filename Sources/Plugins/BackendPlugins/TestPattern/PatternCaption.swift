/// What is written on a test pattern: prompt, seed, size and the rest, in a shaded band along the bottom.
struct PatternCaption {
  private let pattern: TestPattern
  /// Screen pixels a font pixel.
  private let scale: Int

  init(_ pattern: TestPattern) {
    self.pattern = pattern
    scale = max(1, (min(pattern.width, pattern.height) + 128) / 256)
  }

  private struct Line {
    var text: String
    var color: UInt8
  }

  /// Writes as much as there is room for.
  func write(on canvas: inout PatternCanvas) {
    let font = PatternFont(scale: scale)
    let margin = pattern.width < 128 ? 2 : 5 * scale
    let columns = (pattern.width - 2 * margin + font.gap) / font.advance
    let isSmall = min(pattern.width, pattern.height) < 128
    let room = (pattern.height * (isSmall ? 78 : 46) / 100 - 2 * margin) / font.pitch
    guard columns >= 3, room >= 1 else { return }
    let lines = lines(columns: columns, room: room)
    let height = lines.count * font.pitch + 2 * margin - font.lead
    let top = pattern.height - height
    canvas.shade(x: 0, y: top, width: pattern.width, height: height)
    canvas.fill(x: 0, y: top, width: pattern.width, height: max(1, scale / 2), PatternCanvas.Index.accent)
    for (row, line) in lines.enumerated() {
      font.draw(line.text, x: margin, y: top + margin + row * font.pitch, line.color, on: &canvas)
    }
    if !isSmall {
      writeTag("test pattern" + (pattern.index > 0 ? " #\(pattern.index + 1)" : ""), margin, font, &canvas)
    }
  }

  private func writeTag(_ text: String, _ margin: Int, _ font: PatternFont, _ canvas: inout PatternCanvas) {
    let width = text.unicodeScalars.count * font.advance - font.gap + 2 * margin
    guard width <= pattern.width else { return }
    canvas.shade(x: 0, y: 0, width: width, height: font.pitch + margin)
    font.draw(text, x: margin, y: margin * 2 / 3, PatternCanvas.Index.faintText, on: &canvas)
  }

  /// The lines of the band: the values first get their room, but at least one line is the prompt's.
  private func lines(columns: Int, room: Int) -> [Line] {
    var items = ["seed \(pattern.seed)", "\(pattern.width)x\(pattern.height)", "\(pattern.steps) steps"]
    if !pattern.sampler.isEmpty { items.append(pattern.sampler) }
    if let digest = pattern.initDigest { items.insert("from \(digest.prefix(8))", at: 0) }
    let values = Self.wrap(items, columns: columns, gap: 2) + pattern.labels.map { Self.cut($0, columns) }
    let prompt = Self.wrap(Self.words(pattern.prompt), columns: columns, gap: 1)
    let negative =
      pattern.negativePrompt.isEmpty
      ? [] : Self.wrap(["not:"] + Self.words(pattern.negativePrompt), columns: columns, gap: 1)
    let forValues = min(values.count, max(0, room - min(1, prompt.count)))
    let forPrompt = min(prompt.count, room - forValues)
    let forNegative = min(negative.count, room - forValues - forPrompt, 2)
    return Self.first(forPrompt, of: prompt, columns).map { Line(text: $0, color: PatternCanvas.Index.text) }
      + Self.first(forNegative, of: negative, columns).map { Line(text: $0, color: PatternCanvas.Index.faintText) }
      + values.prefix(forValues).map { Line(text: $0, color: PatternCanvas.Index.accent) }
  }

  private static func words(_ text: String) -> [String] {
    text.prefix(4000).split { $0.isWhitespace }.map(String.init)
  }

  /// Lines of whole items, where an item fits a line.
  private static func wrap(_ items: [String], columns: Int, gap: Int) -> [String] {
    var lines: [String] = []
    var (line, width) = ("", 0)
    for item in items {
      var rest = Substring(item)
      var count = rest.unicodeScalars.count
      if width > 0, width + gap + count <= columns {
        line += String(repeating: " ", count: gap) + rest
        width += gap + count
        continue
      }
      if width > 0 { lines.append(line) }
      while count > columns {
        let head = rest.unicodeScalars.prefix(columns)
        lines.append(String(head))
        rest = Substring(rest.unicodeScalars.dropFirst(columns))
        count -= columns
      }
      (line, width) = (String(rest), count)
    }
    if width > 0 { lines.append(line) }
    return lines
  }

  private static func cut(_ text: String, _ columns: Int) -> String {
    guard text.unicodeScalars.count > columns else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.prefix(max(0, columns - 2)))) + ".."
  }

  /// The first lines; if there are more, the last one runs on into the next and is cut.
  private static func first(_ count: Int, of lines: [String], _ columns: Int) -> [String] {
    var result = Array(lines.prefix(count))
    if count > 0, lines.count > count {
      result[count - 1] = cut(lines[count - 1] + " " + lines[count] + " ...", columns)
    }
    return result
  }
}
