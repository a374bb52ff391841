import AWSKit
import ArgumentParser
import Deployment
import Models
import SDClient
import SDCore
import Snapshots

/// How commands end.
///
/// The codes are part of what scripts rely on; `sdctl --help` and docs/sdctl.md have this table.
enum CommandExit {
  static let meanings: [(code: Int32, meaning: String)] = [
    (0, "done"), (1, "what was asked for failed: a task, a snapshot, a deployment"), (2, "used wrongly"),
    (3, "the server, or AWS, cannot be reached"), (4, "it refused"),
    (5, "another failure, such as a file that cannot be written"),
    (130, "ended by Ctrl-C or SIGTERM"),
  ]

  /// The table as help shows it.
  static var help: String {
    "Exit status:\n\n"
      + meanings.map { "  \(String(repeating: " ", count: 3 - "\($0.code)".count))\($0.code)  \($0.meaning)" }
      .joined(separator: "\n")
  }

  static let taskFailed = ExitCode(1)
  static let usage = ExitCode(2)
  static let unreachable = ExitCode(3)
  static let refused = ExitCode(4)
  static let other = ExitCode(5)
  static let interrupted = ExitCode(130)

  /// Parses the command line and runs what it says; ends the process with the codes above.
  static func main(_ root: any AsyncParsableCommand.Type) async {
    do {
      var command = try root.parseAsRoot()
      if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
    } catch {
      guard root.exitCode(for: error) == .validationFailure else { root.exit(withError: error) }
      Terminal.note(root.fullMessage(for: error))
      root.exit(withError: usage)
    }
  }

  /// Runs the work of a command that talks to a server.
  static func reporting(_ options: ServerOptions, _ body: () async throws -> Void) async throws {
    try await reporting(options.address, body)
  }

  /// Runs a command's work; errors are told on standard error and become the codes above.
  static func reporting(_ server: ServerAddress? = nil, _ body: () async throws -> Void) async throws {
    do { try await body() } catch let error as SDClientError {
      Terminal.complain(message(of: error, server))
      throw code(of: error)
    } catch let error as CommandFailure {
      Terminal.complain(error.message)
      throw error.code
    } catch let error as RequestProblem {
      Terminal.complain(error.description)
      throw usage
    } catch let error as SDError {
      Terminal.complain(error.message)
      throw code(of: error)
    } catch let error as AWSError {
      Terminal.complain(error.description)
      throw code(of: error)
    } catch let error as SnapshotError {
      Terminal.complain(error.description)
      throw code(of: error)
    } catch let error as DeploymentError {
      Terminal.complain(error.description)
      throw taskFailed
    } catch let error as ModelError {
      Terminal.complain(error.description)
      throw code(of: error)
    } catch let error as Interrupted {
      if let error = error.underlying as? SnapshotError, error.code == .leftOver {
        Terminal.complain(error.description)
      }
      Terminal.note("Interrupted.")
      throw interrupted
    } catch let error where !(error is ExitCode || error is CleanExit || error is ValidationError) {
      Terminal.complain("\(error)")
      throw error is CancellationError ? interrupted : other
    }
  }

  private static func code(of error: AWSError) -> ExitCode {
    switch (error.origin, error.code) {
    case (.service, _): refused
    case (.transport, _): unreachable
    case (.client, .invalidInput), (.client, .invalidConfiguration), (.client, .invalidEndpoint): usage
    case (.client, .noCredentials), (.client, .credentialsFailed): refused
    case (.client, .cancelled): interrupted
    case (.client, _): other
    }
  }

  private static func code(of error: SnapshotError) -> ExitCode {
    if let error = error.underlying as? AWSError { return code(of: error) }
    return switch error.code {
    case .invalid: usage
    case .leftOver: other
    case .busy: refused
    case .pullFailed, .commandFailed, .instanceLost, .stackFailed, .snapshotFailed, .publishFailed, .timeout: taskFailed
    }
  }

  private static func code(of error: ModelError) -> ExitCode {
    switch error.code {
    case .invalid: usage
    case .notFound, .changed, .busy: refused
    case .file, .full, .mismatch: other
    }
  }

  private static func code(of error: SDError) -> ExitCode {
    switch error.code {
    case .configuration, .invalid: usage
    case .unavailable, .timeout: unreachable
    case .notFound, .conflict, .throttled, .tooLarge, .unsupported, .denied: refused
    case .corrupt, .full, .internal: other
    }
  }

  private static func code(of error: SDClientError) -> ExitCode {
    switch error.code {
    case .unreachable, .timeout: unreachable
    case .refused: refused
    case .invalid: usage
    case .unexpected, .file: other
    }
  }

  private static func message(of error: SDClientError, _ server: ServerAddress?) -> String {
    guard error.code == .unreachable, let server else { return error.message }
    let address = server.server ?? Environment["SDCTL_SERVER"]
    let advice =
      address == nil
      ? "Start a system on this machine with: sdctl dev\nOr name another server with --server or SDCTL_SERVER."
      : "Is the server running, and the address right? A system on this machine starts with: sdctl dev"
    return "\(address ?? ServerAddress.defaultServer) cannot be reached.\n\(advice)"
  }
}

/// A failure with the code that the command is to end with.
struct CommandFailure: Error {
  var code: ExitCode
  var message: String

  static func usage(_ message: String) -> CommandFailure { .init(code: CommandExit.usage, message: message) }
}
