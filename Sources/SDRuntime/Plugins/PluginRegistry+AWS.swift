import AWSPlugins
import SDCore

// `sqs:NAME` is looked up in the client's account and region; the URL of a queue is taken as it is. An ARN is a topic.

extension PluginRegistry {
  mutating func registerAWSPlugins() {
    queues.register("sqs", usage: "sqs:NAME") { uri, context in
      guard !uri.path.isEmpty else { throw SDError(.configuration, "it must name a queue, as in sqs:NAME") }
      return try await SQSQueue.named(
        uri.path, client: try context.aws(), deadLetters: try await Self.deadLetters(context), clocks: context.clocks,
        logger: context.logger)
    }
    for scheme in ["https", "http"] {
      queues.register(scheme, usage: "\(scheme)://sqs.REGION.amazonaws.com/ACCOUNT/NAME") { uri, context in
        guard Self.isQueueURL(uri) else {
          throw SDError(
            .configuration, "it must be the URL of a queue, as in https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
        }
        return try SQSQueue(
          url: uri.text, client: try context.aws(), deadLetters: try await Self.deadLetters(context),
          clocks: context.clocks, logger: context.logger)
      }
    }
    stores.register("s3", usage: "s3://BUCKET/PREFIX") { uri, context in try Self.bucket(uri, context) }
    ledgers.register("s3", usage: "s3://BUCKET/PREFIX") { uri, context in
      ObjectTaskLedger(store: try Self.bucket(uri, context), clocks: context.clocks, logger: context.logger)
    }
    topics.register("arn", usage: "arn:aws:sns:REGION:ACCOUNT:NAME") { uri, context in
      try SNSTopic(arn: uri.text, client: try context.aws())
    }
    events.register("arn", usage: "arn:aws:sns:REGION:ACCOUNT:NAME") { uri, context in
      try SNSTopic(arn: uri.text, client: try context.aws())
    }
    traces.register("xray", usage: "xray://HOST:PORT") { uri, _ in
      guard let address = uri.authority, !address.isEmpty else {
        throw SDError(.configuration, "it must name a daemon, as in xray://HOST:PORT")
      }
      return try XRaySpanExporter(address: address)
    }
    queueNaming["arn"] = { _, queue in "sqs:\(StateDirectory.encoded(queue))" }
  }

  private static func bucket(_ uri: PluginURI, _ context: PluginContext) throws -> S3ObjectStore {
    guard let bucket = uri.authority, !bucket.isEmpty else {
      throw SDError(.configuration, "it must name a bucket, as in s3://BUCKET/PREFIX")
    }
    return try S3ObjectStore(
      bucket: bucket, prefix: String(uri.path.drop { $0 == "/" }), client: try context.aws(), clocks: context.clocks)
  }

  /// `/ACCOUNT/NAME`, whatever the host: stand-ins have hosts of their own.
  private static func isQueueURL(_ uri: PluginURI) -> Bool {
    let parts = uri.path.split(separator: "/")
    return uri.authority?.isEmpty == false && parts.count >= 2 && uri.query.isEmpty
  }

  /// Where the letters of an SQS queue go.
  private static func deadLetters(_ context: PluginContext) async throws -> SQSQueue.DeadLetters {
    guard let value = context.configuration[.deadLetter] else { return .redriveTarget }
    guard let uri = PluginURI(value.text) else { throw elsewhere(value) }
    switch uri.scheme {
    case "sqs": return .queue(url: try await SQSQueue.named(uri.path, client: try context.aws()).url)
    case "https" where isQueueURL(uri), "http" where isQueueURL(uri): return .queue(url: uri.text)
    default: throw elsewhere(value)
    }
  }
}
