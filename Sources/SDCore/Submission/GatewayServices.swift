/// What a front door stands on.
public struct GatewayServices: Sendable {
  /// What takes tasks in.
  public var submissions: SubmissionService
  /// What is known of tasks; the one that `submissions` writes.
  public var ledger: any TaskLedger
  /// Where outputs are.
  public var store: any ObjectStore
  /// Where ends are announced, for tasks that end before a worker has seen them.
  public var events: any EventTopic
  /// The queues of the runtimes by runtime name, for their counts.
  public var queues: [String: any MessageQueue]
  /// Their queues for urgent tasks, where they have one.
  public var priorityQueues: [String: any MessageQueue] = [:]
  /// Their dead-letter queues, where they can be read.
  public var letters: [String: any MessageQueue] = [:]
  /// The clocks.
  public var clocks: Clocks
  /// The API keys as they stand, looked up at each request; `nil` to ask for none.
  public var keys: (@Sendable () -> APIKeyRing)?
  /// What webhooks are delivered with; `nil` where tasks may not ask for any.
  public var webhooks: WebhookServices?
  /// Where the spans of a task's trace can be read again; `nil` where they go to a service of their own.
  public var spans: (any SpanArchive)?
  /// The metrics of this process in Prometheus's text format; `nil` where nobody counts.
  public var metrics: (@Sendable () -> String)?

  /// What a front door stands on.
  public init(
    submissions: SubmissionService, ledger: any TaskLedger, store: any ObjectStore, events: any EventTopic,
    queues: [String: any MessageQueue], clocks: Clocks = .system
  ) {
    self.submissions = submissions
    self.ledger = ledger
    self.store = store
    self.events = events
    self.queues = queues
    self.clocks = clocks
  }

  /// The runtimes that tasks can be sent to.
  public var catalog: RuntimeCatalog { submissions.catalog }
}

/// What webhooks are delivered with.
public struct WebhookServices: Sendable {
  /// The queue that gets the notices of tasks that have a webhook.
  public var queue: any MessageQueue
  /// What each tenant's signing secret is derived from.
  public var secret: WebhookSecret
  /// Whether calls may go to addresses that are not of the public Internet.
  public var mayStayInside: Bool

  /// What webhooks are delivered with.
  public init(queue: any MessageQueue, secret: WebhookSecret, mayStayInside: Bool = false) {
    (self.queue, self.secret, self.mayStayInside) = (queue, secret, mayStayInside)
  }
}
