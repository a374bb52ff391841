import ArgumentParser
import SDClient

/// Which server a command talks to, and how it shows what it hears.
struct ServerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The server's address.", discussion: "Default: SDCTL_SERVER of the environment, else http://127.0.0.1:8811.",
      valueName: "url"))
  var server: String?

  @Option(name: [.customLong("output"), .customShort("o")], help: "How to print: text or json.")
  var format: OutputFormat = .text

  static let defaultServer = "http://127.0.0.1:8811"

  /// A client of the server, with the key that `SDCTL_API_KEY` names.
  func client() throws -> SDClient {
    let address = server ?? Environment["SDCTL_SERVER"] ?? Self.defaultServer
    return try SDClient(address, apiKey: Environment["SDCTL_API_KEY"])
  }
}

/// How a command prints.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  /// For people.
  case text
  /// For programs: one JSON value, or one a line while something goes on.
  case json
}
