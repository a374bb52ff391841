import AWSKit
public import SDCore

extension SQSQueue {
  /// Writes letters, then deletes the messages: a failure between leaves both, never neither. Tried again, only what is
  /// left is done.
  public func deadLetter(_ leases: [Lease], reason: DeadLetterReason) async throws -> [LeaseOutcome] {
    try checkBatch(leases.count)
    let letters = try await letters()
    let now = clocks.instant
    let held = leases.filter { $0.deadline > now && !memory.hasEnded($0.receipt) }
    guard !held.isEmpty else { return leases.map { _ in .lost } }
    let unwritten = held.filter { !memory.hasLetter($0.receipt) }
    var failure: SDError?
    if !unwritten.isEmpty {
      for (lease, outcome) in zip(unwritten, try await letters.send(unwritten.map { letters.letter($0, reason) })) {
        switch outcome {
        case .success: memory.noteLetter(lease.receipt)
        case .failure(let error):
          failure = SDError(
            error.code, "writing a letter for message \(lease.messageID) to queue \(letters.name)", underlying: error)
        }
      }
    }
    if let failure { throw failure }
    return try await complete(leases)
  }

  /// The queue that letters go to.
  func letters() async throws -> SQSQueue {
    if let known = memory.letters { return known }
    let url: String
    switch deadLetters {
    case .none: throw SDError(.unsupported, "queue \(name) has no dead-letter queue")
    case .queue(let given): url = given
    case .redriveTarget: url = try await redriveTarget()
    }
    let queue = SQSQueue(at: url, beside: self)
    memory.letters = queue
    return queue
  }

  private func redriveTarget() async throws -> String {
    guard let text = try await attributes()["RedrivePolicy"],
      let target = (try? JSONValue(parsing: text))?["deadLetterTargetArn"]?.string, let arn = ARN(target)
    else { throw SDError(.unsupported, "queue \(name) has no redrive policy, so that letters have nowhere to go") }
    return try await attempting("looking up queue \(arn.resource), the dead-letter queue of \(name)") {
      () async throws(AWSError) in
      try await sqs.getQueueURL(name: arn.resource, owner: arn.account)
    }
  }

  /// A message as a letter: what it was, and why it is dead.
  ///
  /// Where that is too much for SQS, attributes of the message's own go first, then the end of its body.
  private func letter(_ lease: Lease, _ reason: DeadLetterReason) -> OutgoingMessage {
    var added = reason.attributes
    added[DeadLetterReason.messageIDAttribute] = .string(lease.messageID)
    if reason.message.isEmpty { added[DeadLetterReason.messageAttribute] = nil }
    let own = lease.attributes.filter { added[$0.key] == nil }
    var attributes = added
    for (name, value) in own.sorted(by: { $0.key < $1.key })
    where name == TraceHeader.awsTraceHeader
      || attributes.count(where: { $0.key != TraceHeader.awsTraceHeader }) < MessageAttributes.maximumCount
    {
      attributes[name] = value
    }
    var letter = OutgoingMessage(
      body: lease.body, attributes: attributes, groupID: lease.groupID,
      deduplicationID: capabilities.abilities.contains(.deduplication) ? RandomName.make() : nil)
    if letter.byteCount > capabilities.maximumBytes { letter.attributes = added }
    let excess = letter.byteCount - capabilities.maximumBytes
    if excess > 0 {
      letter.body = Array(
        String(decoding: letter.body, as: UTF8.self).truncated(toUTF8: letter.body.count - excess).utf8)
    }
    return letter
  }

  private init(at url: String, beside other: SQSQueue) {
    let name = String(url.split(separator: "/").last ?? "")
    let abilities: QueueCapabilities.Ability =
      name.hasSuffix(".fifo") ? [.groups, .deduplication] : [.delay, .fairShare]
    (self.url, self.name, deadLetters, sqs) = (url, name, .none, other.sqs)
    (clocks, logger) = (other.clocks, other.logger)
    declared = QueueCapabilities(
      abilities: abilities, maximumBytes: other.capabilities.maximumBytes, maximumBatch: SQS.maximumBatchEntries)
  }
}
