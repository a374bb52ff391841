import SDCore

/// Rows in columns that line up, and on a terminal fit its width.
struct Table {
  private var rows: [[String]]
  /// Columns that may be cut short where the terminal is too narrow, those that can be spared most first.
  private let flexible: [String]
  /// Columns that may be left out where that does not suffice.
  private let sparable: [String]
  private let colours: [String: (String) -> Colour?]

  /// The narrowest that a column is made.
  private static let narrowest = 8

  /// - Parameters:
  ///   - flexible: headers of columns that may be cut short, those that can be spared most first.
  ///   - sparable: headers of columns that may be left out where that does not suffice.
  ///   - colours: by the header of a column.
  init(
    _ header: [String], flexible: [String] = [], sparable: [String] = [], colours: [String: (String) -> Colour?] = [:]
  ) {
    rows = [header]
    (self.flexible, self.sparable, self.colours) = (flexible, sparable, colours)
  }

  mutating func add(_ row: [String]) { rows.append(row.map(Terminal.plain)) }

  /// The lines, two spaces between columns, none at the end.
  var text: String { text(within: Terminal.outputWidth, isColoured: Terminal.isColoured) }

  func text(within limit: Int?, isColoured: Bool) -> String {
    let count = rows.map(\.count).max() ?? 0
    var widths = (0..<count).map { column in rows.map { $0.count > column ? $0[column].columns : 0 }.max() ?? 0 }
    var isShown = [Bool](repeating: true, count: count)
    /// Columns that are too many for the terminal.
    func excess(_ limit: Int) -> Int {
      let shown = widths.indices.filter { isShown[$0] }
      return shown.reduce(0) { $0 + widths[$1] } + 2 * (shown.count - 1) - limit
    }
    if let limit {
      func column(_ name: String) -> Int? { rows[0].firstIndex(of: name) }
      let elastic = flexible.compactMap(column)
      for spared in sparable.compactMap(column) {
        let yielded = elastic.reduce(0) { $0 + (isShown[$1] ? max(0, widths[$1] - Self.narrowest) : 0) }
        if excess(limit) > yielded { isShown[spared] = false }
      }
      for column in elastic where isShown[column] && excess(limit) > 0 {
        widths[column] = max(min(widths[column], Self.narrowest), widths[column] - excess(limit))
      }
    }
    return rows.enumerated().map { number, row in
      var line = ""
      for (column, cell) in row.enumerated() where isShown[column] {
        let cut = cell.fitted(to: widths[column])
        let padded = column < row.count - 1 ? cut.padded(to: widths[column]) + "  " : cut
        let colour = number > 0 && isColoured ? colours[rows[0][column]]?(cell) : nil
        line += colour?.painted(padded) ?? padded
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
    let width = (lines.map(\.name.columns).max() ?? 0) + 2
    text = lines.map { name, value in Terminal.plain(name).padded(to: width) + Terminal.plain(value) }
      .joined(separator: "\n")
  }
}

/// The few colours that mean something.
enum Colour: String {
  case red = "31"
  case green = "32"
  case yellow = "33"

  func painted(_ text: String) -> String { "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" }

  /// That of a task's state.
  static func ofState(_ text: String) -> Colour? {
    switch TaskState(rawValue: text) {
    case .succeeded: .green
    case .failed, .expired: .red
    case .running: .yellow
    case .queued, .cancelled, nil: nil
    }
  }
}
