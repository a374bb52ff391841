/// Rows in columns that line up.
struct Table {
  private var rows: [[String]]

  init(_ header: [String]) { rows = [header] }

  mutating func add(_ row: [String]) { rows.append(row.map(Terminal.plain)) }

  /// The lines, two spaces between columns, none at the end.
  var text: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        line += cell
        if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - cell.count + 2) }
      }
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}

/// Names and values, a line each, the values below each other.
struct Columns {
  let text: String

  init(_ lines: [(name: String, value: String)]) {
    let width = (lines.map(\.name.count).max() ?? 0) + 2
    text = lines.map { name, value in
      Terminal.plain(name) + String(repeating: " ", count: width - name.count) + Terminal.plain(value)
    }.joined(separator: "\n")
  }
}
