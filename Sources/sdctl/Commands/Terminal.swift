import FoundationEssentials
import Glibc

/// What commands print to: results on standard output, everything else on standard error.
enum Terminal {
  /// Whether somebody sees standard error.
  static let isInteractive = isatty(STDERR_FILENO) == 1

  /// Whether results may be in colour: somebody sees standard output, and does not mind (no-color.org).
  static let isColoured =
    isatty(STDOUT_FILENO) == 1 && Environment["NO_COLOR"] == nil && Environment["TERM"] != "dumb"

  /// Columns of the terminal that standard output is on; `nil` where nobody sees it: programs get all of it.
  static var outputWidth: Int? { isatty(STDOUT_FILENO) == 1 ? columns(of: STDOUT_FILENO) : nil }

  /// Columns of the terminal that standard error is on.
  static var width: Int { columns(of: STDERR_FILENO) }

  private static func columns(of descriptor: Int32) -> Int {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 20 else { return 80 }
    return Int(size.ws_col)
  }

  static func print(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

  /// Prints bytes as they are.
  static func print(_ bytes: [UInt8]) { write(bytes, to: STDOUT_FILENO) }

  static func complain(_ text: String) { write("sdctl: \(text)\n", to: STDERR_FILENO) }

  static func note(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

  /// Asks before something that cannot be undone, unless it was said that it is meant.
  ///
  /// Throws when it is not wanted, or when there is nobody to be asked.
  static func confirm(_ question: String, unless isSure: Bool) throws {
    if isSure { return }
    guard isatty(STDIN_FILENO) == 1, isInteractive else {
      throw CommandFailure.usage("\(plain(question)) Say --yes: there is nobody to be asked.")
    }
    write("\(plain(question)) [y/N] ", to: STDERR_FILENO)
    guard ["y", "yes"].contains(readLine()?.lowercased()) else {
      throw CommandFailure(code: CommandExit.refused, message: "Nothing was done.")
    }
  }

  /// Sends what moves the cursor to standard error.
  static func draw(_ text: String) { write(text, to: STDERR_FILENO) }

  fileprivate static func write(_ text: String, to descriptor: Int32) { write(Array(text.utf8), to: descriptor) }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }  // nobody reads any more
      rest = rest.dropFirst(count)
    }
  }

  /// A text of others' making, fit for a terminal: control characters would move its cursor or change its title.
  static func plain(_ text: String) -> String {
    var plain = ""
    for scalar in text.unicodeScalars {
      let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
      plain.unicodeScalars.append(isControl ? " " : scalar)
    }
    return plain
  }
}

/// A line on the terminal that is written over as things go on; nothing at all when nobody sees it.
struct ProgressLine: ~Copyable {
  private var isShown = false

  mutating func show(_ text: String) {
    guard Terminal.isInteractive else { return }
    // A line that wraps cannot be written over.
    Terminal.write("\r\u{1B}[K\(Terminal.plain(text).fitted(to: Terminal.width - 1))", to: STDERR_FILENO)
    isShown = true
  }

  mutating func clear() {
    if isShown { Terminal.write("\r\u{1B}[K", to: STDERR_FILENO) }
    isShown = false
  }

  deinit { if isShown { Terminal.write("\r\u{1B}[K", to: STDERR_FILENO) } }
}

/// The environment of the process.
enum Environment {
  static subscript(name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }

  /// All of it.
  static var all: [String: String] { ProcessInfo.processInfo.environment }
}
