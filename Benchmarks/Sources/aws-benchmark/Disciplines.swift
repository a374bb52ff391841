import BenchmarkKit
import FoundationEssentials
import Glibc

extension Contest {
  /// Small messages sent, received and deleted: one call at a time, and sixteen.
  func messages(_ report: inout Report) throws {
    for concurrency in [1, 16] {
      let comparison = try compare(["sqs", "\(plain)/123456789012/tasks", "\(seconds)", "\(concurrency)"], at: plain)
      self.report("SQS send, receive, delete, \(concurrency) at a time", comparison, atLeast: 8, to: &report)
    }
  }

  /// Objects of 1 MiB: behind TLS, as S3 is; and in the clear, where both sides also sign every byte.
  func objects(_ report: inout Report) throws {
    for verb in ["put", "get"] {
      let comparison = try compare([verb, "pictures", "\(1 << 20)", "\(seconds)"], at: secure)
      self.report("S3 \(verb) of 1 MiB", comparison, atLeast: 3, to: &report)
    }
    for verb in ["put", "get"] {
      let comparison = try compare([verb, "pictures", "\(1 << 20)", "\(seconds)"], at: plain)
      self.report("S3 \(verb) of 1 MiB without TLS", comparison, atLeast: nil, to: &report)
    }
  }

  private func report(_ what: String, _ comparison: Comparison, atLeast target: Double?, to report: inout Report) {
    let ratio = comparison.ratio(.perProcessorSecond, of: .ours, to: .theirs)
    let line = "\(what): operations for a second of a processor, ratio"
    if let target { report.line(line, ratio, atLeast: target) } else { say("\(line): \(short(ratio))") }
    say("    \(comparison.pair(.perProcessorSecond)); a second of the clock: \(comparison.pair(.perSecond))")
    comparison.reportMemory(to: &report)
  }

  /// A file of 64 MiB written in parts, beside the AWS CLI: whole programs, from start to end.
  func multipart(_ report: inout Report) throws {
    let file = "\(scratch)/large"
    try Data((0..<(64 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }).write(to: URL(filePath: file))
    for (name, endpoint) in [("", secure), (" without TLS", plain)] {
      var comparison = Comparison()
      for _ in 0..<3 {
        for side in Side.allCases {
          let words =
            side == .ours
            ? command(.ours, ["upload", "pictures", "large", file])
            : awsCommand + ["s3", "cp", "--quiet", file, "s3://pictures/large"]
          let result = try Child.run(words, environment: environment(endpoint))
          comparison[.wall, side].append(result.wall)
          comparison[.processor, side].append(result.processor)
          comparison.note(result.peakMemory, side)
        }
      }
      report.line(
        "S3 multipart of 64 MiB beside aws s3 cp\(name): time, ratio",
        comparison.ratio(.wall, of: .theirs, to: .ours), atLeast: 1)
      say("    \(comparison.pair(.wall, " s")); of the processors: \(comparison.pair(.processor, " s"))")
      comparison.reportMemory(to: &report)
    }
  }

  /// From a program's start to the end of the head of its first signed request.
  func start(_ report: inout Report) throws {
    var comparison = Comparison()
    let listener = try FirstRequest()
    for _ in 0..<7 {
      for side in Side.allCases {
        let began = ContinuousClock.now
        let child = try Child(
          command(side, ["send", "\(listener.endpoint)/123456789012/tasks"]),
          environment: environment(listener.endpoint))
        try listener.wait()
        comparison[.wall, side].append((ContinuousClock.now - began) / .milliseconds(1))
        child.end()
      }
    }
    report.line(
      "start to first signed request: time, ratio", comparison.ratio(.wall, of: .theirs, to: .ours), atLeast: 10)
    say("    \(comparison.pair(.wall, " ms"))")
  }
}
