import AWSKit
import Glibc

// Region, keys and endpoint as the AWS CLI would find them: variables, shared files, the machine's role.
let aws = try AWSClient.load()
guard aws.configuration.endpoints.url != nil else {
  print("Set AWS_ENDPOINT_URL: this program makes a queue and a bucket, and no account should get them by mistake.")
  exit(0)
}

// A queue: a message sent, received, and deleted once its work is done.
let sqs = try SQS(aws)
let queue = try await sqs.createQueue(.init(name: "tasks"))
try await sqs.sendMessage(.init(queueURL: queue, body: "a lighthouse at dawn"))
for message in try await sqs.receiveMessage(.init(queueURL: queue, waitSeconds: 5)) {
  print("received: \(message.body)")
  try await sqs.deleteMessage(queueURL: queue, receiptHandle: message.receiptHandle)
}

// A bucket: an object written unless there is one, read back, listed.
let s3 = try S3(aws)
try await s3.createBucket("pictures")
let note = Array("oil on canvas".utf8)
try await s3.putObject(.init(bucket: "pictures", key: "lighthouse/1.txt", body: .bytes(note), conditions: .ifAbsent))
let object = try await s3.getObjectBytes(.init(bucket: "pictures", key: "lighthouse/1.txt"), upTo: 1 << 20)
print("read: \(String(decoding: object.bytes, as: UTF8.self))")
for try await found in s3.allObjects(.init(bucket: "pictures", prefix: "lighthouse/")) {
  print("listed: \(found.key), \(found.size) bytes")
}

// Errors are the service's own words; what may pass has been tried again before one is thrown.
do {
  _ = try await s3.headObject(.init(bucket: "pictures", key: "lighthouse/2.txt"))
} catch {
  guard error.status == 404 else { throw error }
  print("missing: lighthouse/2.txt")
}

// A URL that lets somebody without keys read the object for an hour.
let link = try await s3.presignGetObject(.init(bucket: "pictures", key: "lighthouse/1.txt"), lifetime: .seconds(3600))
print("link: \(link.url.prefix { $0 != "?" })")
