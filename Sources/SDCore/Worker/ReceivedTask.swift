/// A task as it came out of the queue: opened, read, and with what tells which run it is.
struct ReceivedTask: Sendable {
  /// The task.
  var request: TaskRequest
  /// The request's text, as the ledger keeps it.
  var body: [UInt8]
  /// What made its run.
  var submission: String
  /// What the door knew.
  var ticket: SubmissionTicket?
  /// Whether an operator took it out of the dead-letter queue.
  var isRedriven: Bool
  /// What it came with, trace headers among it.
  var attributes: MessageAttributes

  /// Reads a message. Throws `RequestProblem` when it cannot be a task, now or ever.
  init(_ lease: Lease, ledger: any TaskLedger) async throws {
    let opened = NotificationEnvelope.open(lease.body, attributes: lease.attributes)
    attributes = opened.attributes
    ticket = SubmissionTicket(attributes)
    let redrive = Redrive.submission(attributes, messageID: lease.messageID)
    isRedriven = redrive != nil
    body = opened.body
    let tenant = ticket?.tenant ?? ""
    request = try TaskMessage.decode(body, tenant: tenant)
    if let ticket, ticket.isStub {
      guard let entry = try await ledger.read(RunKey(request.key, run: ticket.run)) else {
        throw RequestProblem(
          "the message refers to run \(ticket.run) of task \(request.key.id), which the ledger lacks")
      }
      body = entry.request
      request = try TaskMessage.decode(body, tenant: tenant)
    }
    submission = redrive ?? ticket?.submission ?? opened.messageID ?? lease.messageID
  }
}
