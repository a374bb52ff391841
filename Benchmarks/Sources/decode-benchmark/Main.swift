import BenchmarkKit
import Foundation
import Logging

/// Takes an engine's answer of eight pictures apart, and prints what that costs: time beside Foundation's decoders, and
/// memory on the way from the socket to the object store.
///
///     decode-benchmark [--print-only] [seconds, 5 unless said]
///
/// Ends with 1 when a target was missed, unless it is only to print.
@main
struct Main {
  static func main() async throws {
    LoggingSystem.bootstrap { _ in SwiftLogNoOpLogHandler() }
    if CommandLine.arguments.dropFirst().first == WorkerRun.argument {
      return try await WorkerRun.main(Array(CommandLine.arguments.dropFirst(2)))
    }
    let isPrintOnly = CommandLine.arguments.contains("--print-only")
    let seconds = CommandLine.arguments.dropFirst().compactMap(Double.init).first ?? 5
    let answer = try Answer.bytes(pictures: 8, side: 880)
    var report = Report()

    let (ours, theirs) = try Speed.measure(answer, seconds: seconds)
    say("an answer of \(answer.count / 1_000_000) MB: \(whole(ours * 1000)) ms to image bytes")
    say("  JSONDecoder and Data(base64Encoded:): \(whole(theirs * 1000)) ms")
    report.line("answer to image bytes, times as fast as Foundation", theirs / ours, atLeast: 2)

    let rises = try (0..<3).map { _ in try WorkerRun.measure(answer) }
    report.line(
      "peak memory from socket to object store, times the answer", rises.median / Double(answer.count), atMost: 1.5)
    exit(report.isMissed && !isPrintOnly ? 1 : 0)
  }
}
