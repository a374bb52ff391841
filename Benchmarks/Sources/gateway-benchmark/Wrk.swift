import BenchmarkKit
import FoundationEssentials

/// What wrk saw.
struct Load: Decodable {
  var requests: Double
  var seconds: Double
  /// In seconds.
  var p99: Double
  /// Answers of 400 and more, and connections that broke.
  var errors: Double

  var rate: Double { requests / seconds }
}

extension Field {
  /// Load on a server for a while, by a script of `wrk/`.
  func load(_ script: String, on url: String, connections: Int) throws -> Load {
    let result = try Child.run(
      [
        "wrk", "-t1", "-c\(connections)", "-d\(max(1, Int(seconds)))s", "--timeout", "10s", "-s",
        package.appending(path: "wrk/\(script).lua").path, "\(url)/v1/tasks",
      ], environment: environment())
    guard let line = result.output.split(separator: "\n").last(where: { $0.hasPrefix("{") }) else {
      throw Child.Failure("wrk tells nothing: \(result.output)")
    }
    let load = try JSONDecoder().decode(Load.self, from: Data(line.utf8))
    guard load.errors == 0 else { throw Child.Failure("wrk: \(load.errors) of \(load.requests) requests failed") }
    return load
  }

  /// Posts one task, and fails unless it is taken.
  func post(_ body: String, to url: String) throws {
    let result = try Child.run(
      [
        "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: application/json", "-d", body,
        "\(url)/v1/tasks",
      ], environment: environment())
    guard result.output == "201" else { throw Child.Failure("a task is answered with \(result.output)") }
  }
}
