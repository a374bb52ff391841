import AWSKit
import HTTPTransport

/// What AWSKit does in the comparison with boto3; `python/aws_client.py` takes the same words and does the same.
///
///     aws-client sqs QUEUE-URL SECONDS CONCURRENCY    messages sent, received and deleted
///     aws-client put|get BUCKET BYTES SECONDS         objects of so many bytes, one after the other
///     aws-client upload BUCKET KEY FILE               one file, in parts
///     aws-client send QUEUE-URL                       one message
///
/// Endpoint, region and keys come from the environment. The first two print a line of JSON: operations, and the seconds
/// that they took of the processors and in all, start and warm-up left out.
@main
struct Main {
  static func main() async throws {
    let arguments = CommandLine.arguments
    let aws = try AWSClient.load()
    switch (arguments.dropFirst().first, arguments.count) {
    case ("sqs", 5):
      let loop = MessageLoop(sqs: try SQS(aws), queue: arguments[2])
      let (seconds, concurrency) = (try number(arguments[3]), Int(try number(arguments[4])))
      try await withTaskExecutorPreference(aws.taskExecutor) {
        try await measure(seconds: seconds, concurrency: concurrency) { try await loop.turn() }
      }
    case ("put", 5), ("get", 5):
      let loop = ObjectLoop(s3: try S3(aws), bucket: arguments[2], bytes: Int(try number(arguments[3])))
      let (puts, seconds) = (arguments[1] == "put", try number(arguments[4]))
      try await withTaskExecutorPreference(aws.taskExecutor) {
        try await measure(seconds: seconds, concurrency: 1) {
          try await puts ? loop.put() : loop.get()
          return 1
        }
      }
    case ("upload", 5):
      let body = RequestBody.file(path: arguments[4], offset: 0, length: try size(of: arguments[4]))
      try await S3(aws).upload(.init(bucket: arguments[2], key: arguments[3], body: body))
    case ("send", 3):
      try await SQS(aws).sendMessage(.init(queueURL: arguments[2], body: MessageLoop.body))
    default: throw AWSError(.invalidInput, "aws-client takes the words that its source begins with")
    }
  }

  private static func number(_ text: String) throws -> Double {
    guard let number = Double(text) else { throw AWSError(.invalidInput, "\(text) is no number") }
    return number
  }
}

/// A message's life.
struct MessageLoop: Sendable {
  static let body =
    #"{"task_id": "01J9Z6W4N8", "runtime": "sdruntime", "prompt": "a lighthouse at dawn, oil on canvas", "#
    + #""negative_prompt": "blurry", "steps": 20, "width": 512, "height": 512, "seed": 307, "cfg_scale": 7.5}"#
  let sqs: SQS
  let queue: String

  func turn() async throws -> Int {
    try await sqs.sendMessage(.init(queueURL: queue, body: Self.body))
    let messages = try await sqs.receiveMessage(.init(queueURL: queue, maximum: 1))
    guard let message = messages.first, message.isIntact else { throw AWSError(.malformedAnswer, "no message") }
    try await sqs.deleteMessage(queueURL: queue, receiptHandle: message.receiptHandle)
    return 3
  }
}

/// An object, written and read.
struct ObjectLoop: Sendable {
  let s3: S3
  let bucket: String
  let bytes: Int
  private let content: [UInt8]

  init(s3: S3, bucket: String, bytes: Int) {
    (self.s3, self.bucket, self.bytes) = (s3, bucket, bytes)
    content = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31) }
  }

  func put() async throws {
    try await s3.putObject(.init(bucket: bucket, key: "\(bytes)", body: .bytes(content)))
  }

  func get() async throws {
    let object = try await s3.getObjectBytes(.init(bucket: bucket, key: "\(bytes)"), upTo: bytes)
    guard object.bytes.count == bytes else { throw AWSError(.malformedAnswer, "\(object.bytes.count) bytes") }
  }
}
