/// A message in a dead-letter queue, with what can be told about it.
public struct Letter: Sendable, Hashable {
  /// The message as it lies there.
  public var message: QueuedMessage
  /// Why it is there; `nil` for one that the queue itself moved since it was received too often.
  public var reason: DeadLetterReason?
  /// The task that it carries, where one can be read.
  public var task: TaskRequest?
  /// The run that its door opened.
  public var run: Int?
  /// Why no task can be read.
  public var problem: String?

  /// The code of letters that the queue itself moved.
  public static let movedByQueue = "received_too_often"

  /// Reads a letter.
  public init(_ message: QueuedMessage) {
    self.message = message
    let opened = NotificationEnvelope.open(message.body, attributes: message.attributes)
    reason = DeadLetterReason(opened.attributes)
    let ticket = SubmissionTicket(opened.attributes)
    run = ticket?.run
    do throws(RequestProblem) { task = try TaskMessage.decode(opened.body, tenant: ticket?.tenant ?? "") } catch {
      problem = "\(error)"
    }
  }

  /// The message's id.
  public var id: String { message.id }
  /// The reason in a word.
  public var code: String { reason?.code ?? Self.movedByQueue }
  /// The reason in a sentence.
  public var explanation: String {
    reason?.message ?? "its consumers died, or gave it back, more often than the queue allows"
  }
}

/// The attribute that marks a letter which an operator sent back.
///
/// It makes the submission of the run that the letter opens: a letter that is sent back twice, since the first time was
/// cut short, opens one run.
public enum Redrive {
  /// The attribute's name; its value is the letter's id in the dead-letter queue.
  public static let attribute = "sd_redrive"

  /// The submission of a redriven message; `nil` for one that was not redriven.
  ///
  /// A letter that was moved back past us, by the service's own means, still carries its reason: it is known by the id
  /// that it has now.
  static func submission(_ attributes: MessageAttributes, messageID: String) -> String? {
    if DeadLetterReason(attributes) != nil { return "redrive-\(messageID)" }
    return attributes[attribute]?.text.map { "redrive-\($0)" }
  }

  /// What a letter is sent back as.
  static func message(_ lease: Lease, body: [UInt8]?, for capabilities: QueueCapabilities) -> OutgoingMessage {
    var attributes = lease.attributes
    for name in [
      DeadLetterReason.codeAttribute, DeadLetterReason.messageAttribute, DeadLetterReason.messageIDAttribute,
    ] {
      attributes[name] = nil
    }
    attributes[attribute] = .string(lease.messageID)
    return OutgoingMessage(
      body: body ?? lease.body, attributes: attributes, groupID: lease.groupID,
      deduplicationID: capabilities.abilities.contains(.deduplication) ? "redrive-\(lease.messageID)" : nil)
  }
}
