import ArgumentParser
import SDCore

/// How a command prints.
struct OutputOptions: ParsableArguments {
  @Option(name: [.customLong("output"), .customShort("o")], help: "How to print: text or json.")
  var format: OutputFormat = .text

  /// Prints a result: JSON, or what `text` makes of it.
  func show(_ json: @autoclosure () -> JSONValue, text: () -> Void) {
    switch format {
    case .json: Terminal.print(json().text)
    case .text: text()
    }
  }
}

/// How a command prints.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  /// For people.
  case text
  /// For programs: one JSON value, or one a line while something goes on.
  case json
}
