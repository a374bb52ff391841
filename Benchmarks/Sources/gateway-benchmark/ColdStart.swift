import BenchmarkKit
import FoundationEssentials

extension Field {
  /// From the start of the program as a Lambda function to the first answer to a submission through API Gateway.
  func coldStart(_ report: inout Report) throws {
    let standIn = try Child([own.appending(path: "aws-stand-in").path], environment: [:])
    defer { standIn.end() }
    let endpoint = try standIn.line()
    var times: [Double] = []
    for _ in 0..<15 {
      let listener = try Listener()
      var environment = environment(endpoint)
      environment.merge([
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:\(listener.port)", "SD_STORE": "s3://pictures", "SD_EVENTS": "none:",
        "SD_TOPIC": "arn:aws:sns:eu-central-1:123456789012:tasks",
        "SD_RUNTIMES": try catalog(queue: "\(endpoint)/123456789012/sdruntime"),
      ]) { first, _ in first }
      let began = ContinuousClock.now
      let child = try Child([gateway], environment: environment)
      defer { child.end() }
      try Self.invoke(over: listener)
      times.append(began.duration(to: .now) / .milliseconds(1))
    }
    report.line("Lambda form: start to first answer, ms", times.median, atMost: 100)
    say(
      "    of \(times.count) starts the fastest \(whole(times.min() ?? 0)) ms, the slowest \(whole(times.max() ?? 0)) ms"
    )
  }

  /// Hands out one invocation, and waits until it is answered with a task that was taken.
  private static func invoke(over listener: Listener) throws {
    var connection = try listener.accept()
    while true {
      guard let (head, body) = connection.request() else {
        connection = try listener.accept()
        continue
      }
      guard head.first?.hasPrefix("POST") == true else {
        connection.answer(
          "200 OK",
          [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
            ("Lambda-Runtime-Deadline-Ms", "4102444800000"),
          ], body: event)
        continue
      }
      let answer = String(decoding: body, as: UTF8.self)
      guard answer.contains(#""statusCode":201"#) else { throw Child.Failure("the function answers \(answer)") }
      return
    }
  }

  private static let event = """
    {"version": "2.0", "routeKey": "$default", "rawPath": "/v1/tasks", "rawQueryString": "", \
    "headers": {"content-type": "application/json", "host": "a.execute-api.eu-central-1.amazonaws.com"}, \
    "requestContext": {"stage": "$default", "http": {"method": "POST", "path": "/v1/tasks", "sourceIp": "203.0.113.7"}}, \
    "body": "{\\"runtime\\": \\"sdruntime\\", \\"type\\": \\"text-to-image\\", \\"content\\": {\\"prompt\\": \\"a lighthouse\\"}}", \
    "isBase64Encoded": false}
    """
}
