import FoundationEssentials
import Glibc

/// Lets other programs drive AWSKit and HTTPTransport by their public faces, so that they can be compared with others.
///
///     awskit-probe calls < CASES          what is sent for each case, and what is made of its answer; JSON lines
///     awskit-probe upload URL FILE        a file of any size into the object `bucket/key` of the server at URL
///     awskit-probe download URL FILE      the object into a file
///     awskit-probe get URL COUNT CA-FILE  so many exchanges at once
///
/// The last three tell in JSON what happened and how much memory it took.
@main struct Probe {
  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    switch (arguments.first, arguments.count) {
    case ("calls", 1): try await calls()
    case ("upload", 3): try await Transfers(arguments).upload()
    case ("download", 3): try await Transfers(arguments).download()
    case ("get", 4): try await Exchanges(arguments).get()
    default:
      let usage = "usage: awskit-probe calls | upload URL FILE | download URL FILE | get URL COUNT CA-FILE\n"
      _ = usage.withCString { write(STDERR_FILENO, $0, strlen($0)) }
      exit(64)
    }
  }

  private static func calls() async throws {
    let decoder = JSONDecoder()
    while let line = readLine() {
      try report(await Case(try decoder.decode(JSONValue.self, from: Data(line.utf8))).run())
    }
  }

  static func report(_ value: JSONValue) throws {
    print(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
  }
}
