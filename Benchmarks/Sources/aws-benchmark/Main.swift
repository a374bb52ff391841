import BenchmarkKit
import Glibc

/// AWSKit beside boto3 and the AWS CLI, against one server in one run; prints ratios, larger is better for us.
///
///     aws-benchmark [--print-only] [seconds a measurement, 5 unless said]
///
/// Ends with 1 when a target was missed, unless it is only to print.
///
/// The measured programs are `aws-client` and `python/aws_client.py`, the server is `aws-stand-in`; `PYTHON` names an
/// interpreter that has boto3 and awscli, by default the one in the package's `.venv`.
@main
struct Main {
  static func main() {
    let isPrintOnly = CommandLine.arguments.contains("--print-only")
    let seconds = CommandLine.arguments.dropFirst().first { $0 != "--print-only" }.flatMap(Double.init) ?? 5
    var report = Report()
    do {
      let contest = try Contest(seconds: seconds)
      defer { contest.end() }
      try contest.messages(&report)
      try contest.objects(&report)
      try contest.multipart(&report)
      try contest.start(&report)
    } catch {
      say("aws-benchmark: \(error)")
      exit(2)
    }
    exit(report.isMissed && !isPrintOnly ? 1 : 0)
  }
}
