import CAWSKit
import FoundationEssentials
import Glibc

/// Credentials that a program prints: `credential_process`.
///
/// The command is split as a shell would, and run without one. It has a minute; what it prints is bounded, and what it
/// says on its standard error goes into the error only when it fails.
public struct ProcessCredentialProvider: CredentialProvider {
  private let command: String
  private let accountID: String?
  private let time: TimeSource
  private static let limit = 256 * 1024

  /// A provider that runs a command.
  public init(command: String, accountID: String? = nil, time: TimeSource = .system) {
    (self.command, self.accountID, self.time) = (command, accountID, time)
  }

  /// What the command prints.
  public func credentials() async throws(AWSError) -> Credentials {
    guard let words = ShellWords.split(command), let program = words.first else {
      throw AWSError(
        .invalidConfiguration, "credential_process is no command: a quotation is not ended, or it is empty")
    }
    let result = try await ChildProcess.run(words, limit: Self.limit, timeout: .seconds(60), time: time)
    guard result.status == 0 else {
      let words = String(decoding: result.errors.prefix(500), as: UTF8.self)
      throw AWSError(.credentialsFailed, "credential_process \(program) ended with \(result.status): \(words)")
    }
    let answer = try CredentialsAnswer(json: result.output, from: "credential_process")
    guard answer.version == 1 else {
      throw AWSError(.credentialsFailed, "credential_process printed version \(answer.version ?? 0), not 1")
    }
    var found = try answer.credentials(source: "process")
    found.accountID = found.accountID ?? accountID
    return found
  }
}

/// A child process whose output is read without holding a thread.
enum ChildProcess {
  struct Outcome {
    var status: Int32
    var output: [UInt8]
    var errors: [UInt8]
  }

  static func run(_ words: [String], limit: Int, timeout: Duration, time: TimeSource) async throws(AWSError) -> Outcome
  {
    func fail(_ reason: String) -> AWSError { AWSError(.credentialsFailed, "running \(words[0]): \(reason)") }
    guard let output = Pipe(), let errors = Pipe() else { throw fail("no pipe: \(String(cString: strerror(errno)))") }
    let child = try spawn(words, output, errors)
    output.closeWriter()
    errors.closeWriter()
    var isReaped = false
    // Whatever happens, no child is left behind.
    defer {
      if !isReaped {
        kill(child, SIGKILL)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
      }
    }
    let end = time.uptime() + timeout
    var pause = Duration.milliseconds(1)
    var status: Int32 = 0
    while true {
      let isOpen = [try output.drain(limit: limit), try errors.drain(limit: limit)].contains(true)
      if !isReaped, waitpid(child, &status, WNOHANG) == child { isReaped = true }
      if isReaped {
        // A grandchild may hold the pipe open: what the child itself wrote is there by now.
        if isOpen { _ = try (output.drain(limit: limit), errors.drain(limit: limit)) }
        break
      }
      guard time.uptime() < end else { throw fail("it did not end within \(timeout)") }
      do { try await Task.sleep(for: pause) } catch {
        throw AWSError(.cancelled, "cancelled while running \(words[0])")
      }
      pause = min(pause * 2, .milliseconds(20))
    }
    let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    return Outcome(status: code, output: output.bytes, errors: errors.bytes)
  }

  private static func spawn(_ words: [String], _ output: Pipe, _ errors: Pipe) throws(AWSError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output.writer, 1)
    posix_spawn_file_actions_adddup2(&actions, errors.writer, 2)
    // The arguments live until posix_spawnp has returned.
    let arguments = words.map { strdup($0) }
    defer { for argument in arguments { free(argument) } }
    var child: pid_t = 0
    let result = posix_spawnp(&child, words[0], &actions, nil, arguments + [nil], environ)
    guard result == 0 else {
      throw AWSError(.credentialsFailed, "running \(words[0]): \(String(cString: strerror(result)))")
    }
    return child
  }

  /// A pipe whose reading end does not block; closed when it is let go.
  private final class Pipe {
    let reader: Int32
    private(set) var writer: Int32
    private(set) var bytes: [UInt8] = []

    init?() {
      var ends: [Int32] = [0, 0]
      guard cawskit_pipe(&ends) == 0 else { return nil }
      (reader, writer) = (ends[0], ends[1])
      _ = fcntl(reader, F_SETFL, O_NONBLOCK)
    }

    deinit {
      close(reader)
      closeWriter()
    }

    func closeWriter() {
      if writer >= 0 { close(writer) }
      writer = -1
    }

    /// Reads what is there; false at the end.
    func drain(limit: Int) throws(AWSError) -> Bool {
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(reader, &buffer, buffer.count)
        if count > 0 {
          guard bytes.count + count <= limit else {
            throw AWSError(.credentialsFailed, "credential_process printed more than \(limit) bytes")
          }
          bytes.append(contentsOf: buffer[..<count])
        } else if count == 0 {
          return false
        } else if errno != EINTR {
          return true
        }
      }
    }
  }
}
