import BenchmarkKit
import Glibc
import Logging
import SDCore

/// Moves messages through the local queue and prints what came of it beside a plain Python queue in the same run.
///
///     queue-benchmark [--print-only] [seconds a measurement, 5 unless said] [directory]
///
/// Ends with 1 when a target was missed, unless it is only to print.
@main
struct Main {
  static func main() async throws {
    LoggingSystem.bootstrap { _ in SwiftLogNoOpLogHandler() }
    let isPrintOnly = CommandLine.arguments.contains("--print-only")
    let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--print-only" }
    let seconds = arguments.first.flatMap(Double.init) ?? 5
    let root = arguments.dropFirst().first ?? "/tmp"
    let scratch = try Scratch(in: root)

    let syncs = try SyncRate.measure(in: scratch.path)
    let durableTarget = min(5000, 20 * syncs)
    say("disk: \(whole(syncs)) syncs a second in \(root)")

    var report = Report()
    for (durability, target) in [("durable", durableTarget), ("relaxed", 15_000)] {
      // Ours and theirs by turns, and the median of three: the machine's own pace changes.
      var ours: [Double] = []
      var processor: [Double] = []
      var theirs: [Double] = []
      for _ in 0..<3 {
        let result = try await Throughput.measure(durability, seconds: seconds, in: scratch.subdirectory())
        ours.append(result.rate)
        processor.append(result.processor)
        theirs.append(try PythonQueue.measure(durability, seconds: seconds, in: scratch.subdirectory()))
      }
      report.line("\(durability), messages a second", ours.median, atLeast: target)
      say("  processor time: \(whole(processor.median * 1e6)) us a message")
      say("  plain Python sqlite3 queue: \(whole(theirs.median)); ratio \(hundredths(ours.median / theirs.median))")
    }

    let depth = try await DepthCost.measure(in: scratch.subdirectory())
    report.line("receive at 100,000 waiting against 100, ratio", depth, atMost: 1.5)
    let idle = try await IdleCost.measure(seconds: max(5, Int(4 * seconds)), in: scratch.subdirectory())
    report.line("four idle receives, percent of a processor", idle * 100, atMost: 0.2)
    scratch.remove()
    exit(report.isMissed && !isPrintOnly ? 1 : 0)
  }
}
