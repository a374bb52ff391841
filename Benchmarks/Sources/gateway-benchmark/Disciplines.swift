import BenchmarkKit
import FoundationEssentials

extension Field {
  /// Submissions that are durable when they are answered, and status reads.
  func localLoad(_ report: inout Report) throws {
    let syncs = try SyncRate.measure(in: scratch)
    say("disk: \(whole(syncs)) syncs a second in \(scratch)")
    var (submissions, reads): ([Load], [Load]) = ([], [])
    for _ in 0..<3 {
      let server = try server(
        [gateway, "--state", try directory(), "--port", "0", "--log-level", "notice"], environment())
      defer { server.child.end() }
      for number in 0..<100 {
        try post(
          #"{"id": "read-\#(number)", "runtime": "sdruntime", "type": "text-to-image", "content": {"prompt": "x"}}"#,
          to: server.url)
      }
      reads.append(try load("read", on: server.url, connections: 32))
      submissions.append(try load("submit", on: server.url, connections: 64))
    }
    report.line(
      "accepted submissions a second, durable", submissions.map(\.rate).median, atLeast: min(3000, syncs))
    report.line("  99th percentile, ms", submissions.map(\.p99).median * 1000, atMost: 50)
    report.line("status reads a second", reads.map(\.rate).median, atLeast: 10_000)
    say("  99th percentile, ms: \(hundredths(reads.map(\.p99).median * 1000))")
  }

  /// Beside FastAPI and boto3, both at the same stand-in for SNS and S3: with a record of each task, and publishing alone.
  func contest(_ report: inout Report) throws {
    let standIn = try Child([own.appending(path: "aws-stand-in").path], environment: [:])
    defer { standIn.end() }
    let endpoint = try standIn.line()
    let topic = "arn:aws:sns:eu-central-1:123456789012:tasks"
    for (what, ledger, bucket) in [
      ("with records in S3", "s3://records", ["records"]), ("publishing alone", "memory:", []),
    ] {
      let catalog = try catalog(queue: "\(endpoint)/123456789012/sdruntime")
      let ours = [
        gateway, "--topic", topic, "--store", "s3://pictures", "--ledger", ledger, "--events", "none:", "--runtimes",
        catalog, "--port", "0", "--log-level", "notice",
      ]
      let theirs = [python, package.appending(path: "python/fastapi_door.py").path, topic] + bucket
      var (rates, costs): ([String: [Double]], [String: [Double]]) = ([:], [:])
      for _ in 0..<3 {
        for (side, command) in [("ours", ours), ("theirs", theirs)] {
          let server = try server(command, environment(endpoint))
          defer { server.child.end() }
          try post(#"{"runtime": "sdruntime", "type": "text-to-image", "content": {"prompt": "x"}}"#, to: server.url)
          let before = try server.child.processorTime()
          let load = try load("submit", on: server.url, connections: 16)
          rates[side, default: []].append(load.rate)
          costs[side, default: []].append((try server.child.processorTime() - before) / load.requests)
        }
      }
      let (own, other) = (costs["ours", default: []].median, costs["theirs", default: []].median)
      report.line(
        "submissions for a second of a processor beside FastAPI and boto3, \(what), ratio", other / own, atLeast: 5)
      say(
        "    ours \(whole(1 / own)), theirs \(whole(1 / other)); a second of the clock: "
          + "ours \(whole(rates["ours", default: []].median)), theirs \(whole(rates["theirs", default: []].median))")
    }
  }
}
