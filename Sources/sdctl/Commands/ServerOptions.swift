import ArgumentParser
import SDClient
import SDCore

/// Which server a command talks to.
struct ServerAddress: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The server's address.", discussion: "Default: SDCTL_SERVER of the environment, else http://127.0.0.1:8811.",
      valueName: "url"))
  var server: String?

  static let defaultServer = "http://127.0.0.1:8811"

  /// A client of the server, with the key that `SDCTL_API_KEY` names.
  func client() throws -> SDClient {
    let address = server ?? Environment["SDCTL_SERVER"] ?? Self.defaultServer
    return try SDClient(address, apiKey: Environment["SDCTL_API_KEY"])
  }
}

/// Which server a command talks to, and how it shows what it hears.
struct ServerOptions: ParsableArguments {
  @OptionGroup var address: ServerAddress
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func client() throws -> SDClient { try address.client() }

  /// Prints a result: JSON, or what `text` makes of it.
  func show(_ json: @autoclosure () -> JSONValue, text: () -> Void) { output.show(json(), text: text) }
}
