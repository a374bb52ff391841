import BenchmarkKit
import FoundationEssentials
import Glibc

/// Where things are, and the programs that are started.
final class Field {
  let seconds: Double
  /// Files of this run.
  let scratch: String
  let gateway: String
  let python: String
  let own: URL
  let package: URL
  private let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
  private var count = 0

  init(seconds: Double, root: String) throws {
    self.seconds = seconds
    scratch = "\(root)/gateway-benchmark-\(getpid())"
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    own = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    package = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
    let environment = ProcessInfo.processInfo.environment
    gateway = environment["SD_GATEWAY"] ?? package.appending(path: "../.build/release/sd-gateway").standardized.path
    python = environment["PYTHON"] ?? package.appending(path: "../.venv/bin/python").standardized.path
    guard access(gateway, X_OK) == 0 else { throw Child.Failure("\(gateway) is not built: make bench builds it") }
  }

  func end() { try? FileManager.default.removeItem(atPath: scratch) }

  /// A state directory with the one runtime that is asked for.
  func directory() throws -> String {
    count += 1
    let directory = "\(scratch)/\(count)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    return directory
  }

  /// A catalog whose one runtime has a queue of this address.
  func catalog(queue: String = "sdruntime") throws -> String {
    let path = "\(try directory())/runtimes.yaml"
    let text = "runtimes:\n  - name: sdruntime\n    engine: webui\n    model: a.safetensors\n    queue: \(queue)\n"
    try Data(text.utf8).write(to: URL(filePath: path))
    return path
  }

  /// What programs find in their environment; nothing else, so that no file of the user's is read.
  func environment(_ endpoint: String? = nil) -> [String: String] {
    var environment = ["PATH": path, "HOME": "/nonexistent"]
    guard let endpoint else { return environment }
    environment.merge([
      "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1",
      "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
      "AWS_EC2_METADATA_DISABLED": "true",
    ]) { first, _ in first }
    return environment
  }

  /// A server that says where it listens, with its address.
  func server(_ arguments: [String], _ environment: [String: String]) throws -> Server {
    // What is said to standard error is read as well; `exec` keeps the process the one that is measured.
    let child = try Child(["sh", "-c", #"exec "$@" 2>&1"#, "sh"] + arguments, environment: environment)
    for _ in 0..<200 {
      let line = try child.line()
      guard let start = line.firstRange(of: "http://127.0.0.1:") else { continue }
      let port = line[start.upperBound...].prefix { $0.isNumber }
      return Server(child: child, url: "http://127.0.0.1:\(port)")
    }
    child.end()
    throw Child.Failure("\(arguments[0]) says nothing of where it listens")
  }
}

/// A running server; ended with whoever holds it.
struct Server {
  let child: Child
  let url: String
}
