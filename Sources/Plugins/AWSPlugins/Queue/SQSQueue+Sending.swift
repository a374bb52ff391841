import AWSKit
public import SDCore

extension SQSQueue {
  /// Sends messages in as few requests as their sizes allow; each has its own outcome.
  public func send(_ messages: [OutgoingMessage]) async throws -> [SendOutcome] {
    try checkBatch(messages.count)
    var outcomes: [SendOutcome?] = messages.map { refusal(of: $0).map { .failure($0) } }
    var waiting = messages.indices.filter { outcomes[$0] == nil }[...]
    while !waiting.isEmpty {
      var (batch, size) = ([Int](), 0)
      while let next = waiting.first, size + messages[next].byteCount <= SQS.maximumMessageBytes {
        size += messages[next].byteCount
        batch.append(waiting.removeFirst())
      }
      for (place, outcome) in zip(batch, try await sendAtOnce(batch.map { messages[$0] })) { outcomes[place] = outcome }
    }
    return outcomes.map { $0 ?? .failure(SDError(.internal, "queue \(name) answered nothing to a send")) }
  }

  private func sendAtOnce(_ messages: [OutgoingMessage]) async throws -> [SendOutcome] {
    if messages.count == 1 { return [try await send(alone: messages[0])] }
    let entries = messages.enumerated().map { position, message in
      let (own, system) = message.attributes.queueWire
      return SQS.SendMessageBatchEntry(
        id: "\(position)", body: String(decoding: message.body, as: UTF8.self), delaySeconds: delay(of: message),
        attributes: own, systemAttributes: system, deduplicationID: deduplicationID(of: message),
        groupID: message.groupID)
    }
    let result = try await attempting("sending to queue \(name)") { () async throws(AWSError) in
      try await sqs.sendMessageBatch(queueURL: url, entries: entries)
    }
    return messages.indices.map { position in
      if let sent = result.successful["\(position)"] { return .success(sent.messageID) }
      guard let failed = result.failed["\(position)"] else {
        return .failure(SDError(.unavailable, "queue \(name) said nothing of a message of a batch"))
      }
      return .failure(
        SDError(
          failed.isSenderFault ? .invalid : .unavailable,
          "a message to queue \(name): \(failed.code): \(failed.message)"))
    }
  }

  private func send(alone message: OutgoingMessage) async throws -> SendOutcome {
    let (own, system) = message.attributes.queueWire
    do {
      let sent = try await sqs.sendMessage(
        .init(
          queueURL: url, body: String(decoding: message.body, as: UTF8.self), delaySeconds: delay(of: message),
          attributes: own, systemAttributes: system, deduplicationID: deduplicationID(of: message),
          groupID: message.groupID))
      return .success(sent.messageID)
    } catch {
      let failed = failure(error, "sending to queue \(name)")
      // What is wrong with the message itself is an outcome, as in a batch.
      if let failed = failed as? SDError, failed.code == .invalid { return .failure(failed) }
      throw failed
    }
  }

  private func delay(of message: OutgoingMessage) -> Int? {
    message.delay > .zero ? message.delay.wholeSeconds : nil
  }

  /// A FIFO queue wants one for each message; one of our own where the sender has none, so that no two are taken for one.
  private func deduplicationID(of message: OutgoingMessage) -> String? {
    guard capabilities.abilities.contains(.deduplication) else { return nil }
    return message.deduplicationID ?? RandomName.make()
  }

  /// Why a message would not be taken.
  private func refusal(of message: OutgoingMessage) -> SDError? {
    func refuse(_ code: SDError.Code, _ why: String) -> SDError { SDError(code, "a message for queue \(name): \(why)") }
    let abilities = capabilities.abilities
    if message.byteCount > capabilities.maximumBytes {
      return refuse(.tooLarge, "it has \(message.byteCount) bytes, of which \(capabilities.maximumBytes) are taken")
    }
    if message.body.isEmpty { return refuse(.invalid, "it is empty") }
    guard String(validating: message.body, as: UTF8.self) != nil, MessageText.isAllowed(message.body) else {
      return refuse(.invalid, "it is no text of the characters that SQS takes")
    }
    if let why = message.attributes.refusal { return refuse(.invalid, why) }
    if message.delay > .zero, !abilities.contains(.delay) {
      return refuse(.unsupported, "a FIFO queue keeps no delays of single messages")
    }
    if message.delay > .seconds(Self.longestDelay) {
      return refuse(.invalid, "a delay is \(Self.longestDelay) s at most")
    }
    if message.groupID == nil, abilities.contains(.groups) { return refuse(.invalid, "it must have a group") }
    for id in [message.groupID, message.deduplicationID].compactMap({ $0 }) where !Self.isID(id) {
      return refuse(.invalid, "\(id.debugDescription) is no id of a group or a repeat")
    }
    return nil
  }

  /// Up to 128 letters, digits and punctuation marks of ASCII.
  private static func isID(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }
}
