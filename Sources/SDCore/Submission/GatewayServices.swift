/// What a front door stands on: composed where plugins are known, used where HTTP is.
public struct GatewayServices: Sendable {
  /// What takes tasks in; it knows the runtimes that there are.
  public var submissions: SubmissionService
  /// What is known of tasks; the one that `submissions` writes.
  public var ledger: any TaskLedger
  /// Where outputs are.
  public var store: any ObjectStore
  /// Where ends are announced, for tasks that end before a worker has seen them.
  public var events: any EventTopic
  /// The queues by the names of the runtimes that they feed, for their counts.
  public var queues: [String: any MessageQueue]
  /// The clocks.
  public var clocks: Clocks

  /// What a front door stands on.
  public init(
    submissions: SubmissionService, ledger: any TaskLedger, store: any ObjectStore, events: any EventTopic,
    queues: [String: any MessageQueue], clocks: Clocks
  ) {
    self.submissions = submissions
    self.ledger = ledger
    self.store = store
    self.events = events
    self.queues = queues
    self.clocks = clocks
  }
}
