import SDCore

import struct FoundationEssentials.Data

/// What a function is invoked with, by the kind of event.
enum LambdaEvent {
  /// A request through API Gateway, a function URL or a load balancer.
  case request(GatewayRequest, ProxyFormat)
  /// Messages of a queue: the notices of tasks that have a webhook.
  case messages([Lease], queue: String)
  /// The clock of a deployment.
  case schedule

  /// An event; `nil` for one of a kind that we have no use for.
  ///
  /// - Parameter now: what the leases of messages count from.
  init?(_ json: JSONValue, at now: MonotonicInstant) {
    if let records = json["Records"]?.array {
      guard let leases = Self.leases(records, at: now), let arn = records.first?["eventSourceARN"]?.string else {
        return nil
      }
      self = .messages(leases, queue: arn.split(separator: ":").last.map(String.init) ?? "")
    } else if let format = ProxyFormat(of: json), let request = format.request(json) {
      self = .request(request, format)
    } else if json["detail-type"]?.string == "Scheduled Event" || json["source"]?.string == "aws.scheduler" {
      self = .schedule
    } else {
      return nil
    }
  }

  /// The messages of an SQS event ("Using Lambda with Amazon SQS"), as leases of their queue.
  private static func leases(_ records: [JSONValue], at now: MonotonicInstant) -> [Lease]? {
    var leases: [Lease] = []
    for record in records {
      guard record["eventSource"]?.string == "aws:sqs", let id = record["messageId"]?.string,
        let receipt = record["receiptHandle"]?.string, let body = record["body"]?.string
      else { return nil }
      var attributes: MessageAttributes = [:]
      for member in record["messageAttributes"]?.object?.members ?? [] {
        let text = member.value["stringValue"]?.string ?? member.value["binaryValue"]?.string
        guard let type = member.value["dataType"]?.string, let text else { continue }
        attributes[member.name] = AttributeValue(dataType: type, text: text)
      }
      let system = record["attributes"]
      leases.append(
        Lease(
          receipt: receipt, messageID: id, body: Array(body.utf8), attributes: attributes,
          receiveCount: system?["ApproximateReceiveCount"]?.string.flatMap { Int($0) } ?? 1,
          sentAt: system?["SentTimestamp"]?.string.flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) },
          deadline: now.advanced(by: .seconds(30))))
    }
    return leases
  }
}
