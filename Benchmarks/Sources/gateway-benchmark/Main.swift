import BenchmarkKit
import Glibc

/// The gateway under load: on the durable local plugins, beside FastAPI and boto3 at one server in one run, and from its
/// start as a Lambda function to its first answer.
///
///     gateway-benchmark [--print-only] [seconds a measurement, 5 unless said] [directory]
///
/// Ends with 1 when a target was missed, unless it is only to print.
///
/// What is measured is `sd-gateway` as `make bench` has built it (`SD_GATEWAY` names another); `wrk` makes the load, `PYTHON`
/// names an interpreter that has FastAPI, uvicorn and boto3.
@main
struct Main {
  static func main() {
    let isPrintOnly = CommandLine.arguments.contains("--print-only")
    let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--print-only" }
    var report = Report()
    do {
      let field = try Field(
        seconds: arguments.first.flatMap(Double.init) ?? 5, root: arguments.dropFirst().first ?? "/tmp")
      defer { field.end() }
      try field.localLoad(&report)
      try field.contest(&report)
      try field.coldStart(&report)
    } catch {
      say("gateway-benchmark: \(error)")
      exit(2)
    }
    exit(report.isMissed && !isPrintOnly ? 1 : 0)
  }
}
