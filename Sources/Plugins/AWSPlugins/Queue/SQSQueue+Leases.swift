import AWSKit
import Logging
public import SDCore

extension SQSQueue {
  /// Leases messages; waits as a long poll, in whole seconds.
  ///
  /// Without a visibility the queue's own holds, which is asked for beside the first such receive.
  public func receive(max: Int, wait: Duration, visibility: Duration?) async throws -> [Lease] {
    guard max >= 1 else { throw SDError(.invalid, "receiving from queue \(name): asked for \(max) messages") }
    let sentAt = clocks.instant
    let pulse = Pulse(clocks, every: Self.longestWay / 2)
    async let _ = wait > .zero ? pulse.run() : ()
    async let own = visibility == nil ? self.visibility : .zero
    let messages = try await attempting("receiving from queue \(name)") { () async throws(AWSError) in
      try await sqs.receiveMessage(
        .init(
          queueURL: url, maximum: min(max, capabilities.maximumBatch),
          visibilitySeconds: visibility.map { min($0.wholeSeconds, Self.longestVisibility) },
          waitSeconds: min(wait, capabilities.maximumWait).wholeSeconds,
          systemAttributeNames: [
            "ApproximateReceiveCount", "SentTimestamp", "MessageGroupId", TraceHeader.awsTraceHeader,
          ],
          attributeNames: ["All"]))
    }
    let asked = try await own
    let time = visibility ?? asked
    let start = wait > .zero ? pulse.last(before: min(Self.longestWay, time / 4)) : sentAt
    let deadline = start.advanced(by: time)
    return messages.map { message in
      if !message.isIntact {
        logger.warning(
          "a message does not fit its checksums", metadata: ["queue": "\(name)", "message": "\(message.messageID)"])
      }
      return Lease(
        receipt: message.receiptHandle, messageID: message.messageID, body: Array(message.body.utf8),
        attributes: MessageAttributes(message), groupID: message.groupID, receiveCount: message.receiveCount ?? 1,
        sentAt: message.systemAttributes["SentTimestamp"].flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) },
        deadline: deadline)
    }
  }

  /// How long the answer to a receive may be on its way.
  ///
  /// A receive that does not wait is counted from when it was sent. One that waits was answered once there was a message:
  /// nothing but the way of the answer lies between, unless the process stood still with the answer at its door.
  private static let longestWay = Duration.seconds(1)

  /// Makes leases run for `visibility` from now, in whole seconds.
  public func extend(_ leases: [Lease], visibility: Duration) async throws -> [LeaseOutcome] {
    try await change(leases, to: visibility, "extending leases of")
  }

  /// Gives messages back, in whole seconds.
  public func abandon(_ leases: [Lease], after delay: Duration) async throws -> [LeaseOutcome] {
    let outcomes = try await change(leases, to: delay, "giving back messages of")
    noteEnds(leases, outcomes)
    return outcomes
  }

  /// Deletes messages.
  public func complete(_ leases: [Lease]) async throws -> [LeaseOutcome] {
    let outcomes = try await delete(leases)
    noteEnds(leases, outcomes)
    return outcomes
  }

  // MARK: Requests

  private func change(_ leases: [Lease], to time: Duration, _ attempt: String) async throws -> [LeaseOutcome] {
    let seconds = min(max(time, .zero).wholeSeconds, Self.longestVisibility)
    return try await forHeld(leases) { held in
      try await attempting("\(attempt) queue \(name)") { () async throws(AWSError) in
        if held.count == 1 {
          try await sqs.changeMessageVisibility(queueURL: url, receiptHandle: held[0].receipt, seconds: seconds)
          return [:]
        }
        return try await sqs.changeMessageVisibilityBatch(
          queueURL: url,
          entries: held.enumerated().map { .init(id: "\($0)", receiptHandle: $1.receipt, seconds: seconds) }
        ).failed
      }
    }
  }

  private func delete(_ leases: [Lease]) async throws -> [LeaseOutcome] {
    try await forHeld(leases) { held in
      try await attempting("deleting messages of queue \(name)") { () async throws(AWSError) in
        if held.count == 1 {
          try await sqs.deleteMessage(queueURL: url, receiptHandle: held[0].receipt)
          return [:]
        }
        return try await sqs.deleteMessageBatch(
          queueURL: url, entries: held.enumerated().map { .init(id: "\($0)", receiptHandle: $1.receipt) }
        ).failed
      }
    }
  }

  /// Does something with the leases that may still be held; the others are lost.
  ///
  /// - Parameter call: answers what failed by its place.
  private func forHeld(
    _ leases: [Lease], _ call: ([Lease]) async throws -> [String: SQS.BatchFailure]
  ) async throws -> [LeaseOutcome] {
    try checkBatch(leases.count)
    let now = clocks.instant
    var outcomes = [LeaseOutcome](repeating: .lost, count: leases.count)
    let places = leases.indices.filter { place in
      let lease = leases[place]
      return lease.deadline > now && Self.isReceipt(lease.receipt) && !memory.hasEnded(lease.receipt)
    }
    guard !places.isEmpty else { return outcomes }
    let failed: [String: SQS.BatchFailure]
    do { failed = try await call(places.map { leases[$0] }) } catch let error as SDError {
      // A single one answers with an error what a batch tells of its entry.
      guard places.count == 1, let cause = error.underlying as? AWSError, Self.isLoss(cause.code, cause.message) else {
        throw error
      }
      return outcomes
    }
    for (position, place) in places.enumerated() {
      outcomes[place] = failed["\(position)"].map(outcome) ?? .done
    }
    return outcomes
  }

  private func outcome(_ failed: SQS.BatchFailure) -> LeaseOutcome {
    Self.isLoss(failed.code, failed.message) ? .lost : .unknown("\(failed.code): \(failed.message)")
  }

  /// Whether SQS says that a receipt holds nothing any more.
  ///
  /// A wrong receipt and a lease of more than twelve hours in all have one code; only the former is a loss.
  private static func isLoss(_ code: AWSError.Code, _ message: String) -> Bool {
    switch code.rawValue.split(separator: ".").last {
    case "ReceiptHandleIsInvalid", "MessageNotInflight", "InvalidIdFormat": true
    case "InvalidParameterValue": !message.contains("beyond the limit")
    default: false
    }
  }

  /// Receipts are long base64; what cannot be one is not sent.
  private static func isReceipt(_ text: String) -> Bool {
    (1...2048).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }

  func noteEnds(_ leases: [Lease], _ outcomes: [LeaseOutcome]) {
    for (lease, outcome) in zip(leases, outcomes) where outcome == .done { memory.noteEnd(lease.receipt) }
  }
}
