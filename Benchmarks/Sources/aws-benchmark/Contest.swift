import BenchmarkKit
import FoundationEssentials
import Glibc

/// The two sides, and the servers between them.
final class Contest {
  enum Side: CaseIterable { case ours, theirs }

  let seconds: Double
  /// Files of this run.
  let scratch: String
  /// SQS and S3 in the clear, and behind TLS as AWS has them.
  let plain: String
  let secure: String
  let awsCommand: [String]
  private let commands: [Side: [String]]
  private let servers: [Child]
  private let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"

  init(seconds: Double) throws {
    self.seconds = seconds
    scratch = "/tmp/aws-benchmark-\(getpid())"
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    let own = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    let package = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
    let python =
      ProcessInfo.processInfo.environment["PYTHON"] ?? package.appending(path: "../.venv/bin/python").standardized.path
    commands = [
      .ours: [own.appending(path: "aws-client").path],
      .theirs: [python, package.appending(path: "python/aws_client.py").path],
    ]
    awsCommand = [python, "-m", "awscli"]
    // It tells of its progress even when all is well.
    let certificate =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out certificate.pem "
      + "-days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>openssl.log || cat openssl.log"
    let made = try Child.run(["sh", "-c", "cd \(scratch) && \(certificate)"], environment: ["PATH": path])
    guard made.output.isEmpty else { throw Child.Failure("openssl made no certificate: \(made.output)") }
    let server = own.appending(path: "aws-stand-in").path
    servers = [
      try Child([server], environment: [:]),
      try Child([server, "\(scratch)/certificate.pem", "\(scratch)/key.pem"], environment: [:]),
    ]
    (plain, secure) = (try servers[0].line(), try servers[1].line())
  }

  /// Ends the servers and removes the files.
  func end() {
    for server in servers { server.end() }
    try? FileManager.default.removeItem(atPath: scratch)
  }

  func command(_ side: Side, _ words: [String]) -> [String] { commands[side, default: []] + words }

  /// What both sides find in their environment; nothing else, so that no file of the user's is read.
  func environment(_ endpoint: String) -> [String: String] {
    [
      "PATH": path, "HOME": "/nonexistent", "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "eu-central-1",
      "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
      "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AWS_EC2_METADATA_DISABLED": "true",
      "AWS_CA_BUNDLE": "\(scratch)/certificate.pem",
    ]
  }

  /// What a side tells of its own work.
  private struct Figures: Decodable {
    var operations: Double
    var processor: Double
    var wall: Double
  }

  /// Several runs of both sides by turns, since the machine's own pace changes from one run to the next.
  func compare(_ words: [String], at endpoint: String) throws -> Comparison {
    var comparison = Comparison()
    for _ in 0..<5 {
      for side in Side.allCases {
        let result = try Child.run(command(side, words), environment: environment(endpoint))
        let figures = try JSONDecoder().decode(Figures.self, from: Data(result.output.utf8))
        comparison[.perProcessorSecond, side].append(figures.operations / figures.processor)
        comparison[.perSecond, side].append(figures.operations / figures.wall)
        comparison.note(result.peakMemory, side)
      }
    }
    return comparison
  }
}

/// What came of several runs of both sides.
struct Comparison {
  enum Figure { case perProcessorSecond, perSecond, wall, processor, ownMemory, residentMemory }

  private var values: [Figure: [Contest.Side: [Double]]] = [:]

  subscript(figure: Figure, side: Contest.Side) -> [Double] {
    get { values[figure]?[side] ?? [] }
    set { values[figure, default: [:]][side] = newValue }
  }

  mutating func note(_ memory: Child.Memory, _ side: Contest.Side) {
    self[.ownMemory, side].append(memory.own)
    self[.residentMemory, side].append(memory.resident)
  }

  func ours(_ figure: Figure) -> Double { self[figure, .ours].median }
  func theirs(_ figure: Figure) -> Double { self[figure, .theirs].median }

  /// How many times one side's figure is the other's: the median of the turns, each of two runs at the same pace.
  func ratio(_ figure: Figure, of side: Contest.Side, to other: Contest.Side) -> Double {
    zip(self[figure, side], self[figure, other]).map { $0 / $1 }.median
  }

  /// The two medians.
  func pair(_ figure: Figure, _ unit: String = "") -> String {
    "ours \(short(ours(figure)))\(unit), theirs \(short(theirs(figure)))\(unit)"
  }

  /// Memory, where less is better.
  func reportMemory(to report: inout Report) {
    report.line("  peak of the memory of its own, ratio", ratio(.ownMemory, of: .theirs, to: .ours), atLeast: 3)
    say("    \(pair(.ownMemory, " MiB")); with mapped files: \(pair(.residentMemory, " MiB"))")
  }
}
