public import SDCore

/// What a gateway stands on.
public struct GatewayServices: Sendable {
  /// What takes tasks in.
  public var submissions: SubmissionService
  /// What is known of tasks; the one that `submissions` writes.
  public var ledger: any TaskLedger
  /// Where outputs are.
  public var store: any ObjectStore
  /// Where ends are announced, for tasks that end before a worker has seen them.
  public var events: any EventTopic
  /// The queues of the runtimes by queue name, for their counts.
  public var queues: [String: any MessageQueue]
  /// The clocks.
  public var clocks: Clocks
  /// Who says whether a presigned URL holds, where this gateway serves those of its store.
  public var presigned: (any PresignedAccessVerifier)?

  /// What a gateway stands on.
  public init(
    submissions: SubmissionService, ledger: any TaskLedger, store: any ObjectStore, events: any EventTopic,
    queues: [String: any MessageQueue], clocks: Clocks, presigned: (any PresignedAccessVerifier)?
  ) {
    self.submissions = submissions
    self.ledger = ledger
    self.store = store
    self.events = events
    self.queues = queues
    self.clocks = clocks
    self.presigned = presigned
  }
}
