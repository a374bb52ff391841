/// What every front door does with a task: the record, then the publication, then the answer.
public struct SubmissionService: Sendable {
  /// What became of a submission.
  public enum Outcome: Sendable {
    /// It is a new run.
    case created(LedgerEntry)
    /// It is the same as one that is known; nothing new was started.
    case known(LedgerEntry)
    /// v1: the id belongs to another request.
    case taken(LedgerEntry)

    /// The run that the submission came to, or that it was refused for.
    public var entry: LedgerEntry {
      switch self {
      case .created(let entry), .known(let entry), .taken(let entry): entry
      }
    }
  }

  private let ledger: any TaskLedger
  private let topic: any EventTopic
  private let store: any ObjectStore
  private let clocks: Clocks
  private let reserves: @Sendable (String) -> Bool
  /// The runtimes that tasks may go to.
  public let catalog: RuntimeCatalog

  /// A service on a ledger and a topic.
  ///
  /// - Parameter reserves: whether a folder belongs to a tenant, and so is not for tasks of the deployment's own.
  public init(
    ledger: any TaskLedger, topic: any EventTopic, store: any ObjectStore, catalog: RuntimeCatalog,
    clocks: Clocks = .system, reserves: @escaping @Sendable (String) -> Bool = { _ in false }
  ) {
    self.reserves = reserves
    self.ledger = ledger
    self.topic = topic
    self.store = store
    self.catalog = catalog
    self.clocks = clocks
  }

  /// Submits a task.
  ///
  /// - Parameters:
  ///   - request: valid in itself; its runtime or model is looked up here.
  ///   - submitter: on whose behalf; the request's tenant is this one's.
  ///   - idempotencyKey: submissions of one tenant with the same key are one submission.
  ///   - trace: attributes that carry the trace's context on.
  ///   - admission: asked with the runtime before anything is written; what it throws is the answer.
  /// - Throws: `RequestProblem` when no runtime takes it; `SDError` when it may not have been taken.
  public func submit(
    _ request: TaskRequest, for submitter: Submitter = .init(), idempotencyKey: String? = nil,
    trace: MessageAttributes = [:], admission: (RuntimeDescription) async throws -> Void = { _ in }
  ) async throws -> Outcome {
    let runtime = try runtime(for: request)
    try check(request, for: submitter, runtime)
    try await admission(runtime)
    let request = request.placed(below: submitter.prefix)
    let submission =
      idempotencyKey.map { SubmissionID.derived(tenant: request.key.tenant, key: $0) } ?? RandomName.make()
    var draft = TaskRecord(
      request, run: 1, submission: submission, digest: TaskMessage.digest(request.payload), at: clocks.timestamp)
    draft.runtime = runtime.name
    draft.traceID = TraceContext(attributes: trace)?.traceID.description
    let message = TaskPublication(
      request, runtime: runtime, group: submitter.group, store: store, trace: trace, limit: topic.maximumBytes)
    let body = message.body
    let opened = try await RunOpener(ledger).open(
      draft, reuse: request.api == .v1 ? .onlyAgain : .nextRun, optimistic: true
    ) { record in
      try await ledger.create(
        record, request: body, publishing: { message.publication(of: record, at: $0) }, on: topic)
    }
    return try await outcome(of: opened, message)
  }

  private func outcome(of opened: RunOpener.Opened, _ message: TaskPublication) async throws -> Outcome {
    switch opened {
    case .created(let entry): return .created(entry)
    case .taken(let entry): return .taken(entry)
    case .repeated(let entry), .joined(let entry):
      // The door may have died between record and publication: a repeat of what is still queued publishes again. The
      // worker sees by the run that it is the same.
      if entry.record.state(at: clocks.timestamp) == .queued {
        try await topic.publish(message.publication(of: entry.record, at: entry.revision))
      }
      return .known(entry)
    }
  }

  // MARK: Again

  /// Opens the next run of a task whose newest one failed, expired or was cancelled, with the same request.
  ///
  /// A retry of a run that is repeated opens one run: the submission is made of the run that is retried.
  ///
  /// - Parameters:
  ///   - entry: the run that is to be followed by another.
  ///   - submitter: on whose behalf.
  ///   - trace: attributes that carry the trace's context on.
  ///   - admission: asked with the runtime before anything is written; what it throws is the answer.
  /// - Returns: `.taken` where the run has succeeded or not ended, or another than its retry follows it already.
  public func retry(
    _ entry: LedgerEntry, for submitter: Submitter = .init(), trace: MessageAttributes = [:],
    admission: (RuntimeDescription) async throws -> Void = { _ in }
  ) async throws -> Outcome {
    let old = entry.record
    guard old.state.isTerminal, old.state != .succeeded else { return .taken(entry) }
    let submission = "retry-\(old.key.run)"
    if let latest = try await ledger.latest(old.key.task), latest.record.key.run > old.key.run,
      try await ledger.find(old.key.task, submission: submission) == nil
    {
      return .taken(latest)
    }
    let now = clocks.timestamp
    let request = try TaskMessage.decode(entry.request, tenant: old.key.task.tenant)
      .living(as: old.options.expiresAt.map { now + ($0 - old.createdAt) })
    let runtime = try self.runtime(for: request)
    try await admission(runtime)
    var draft = TaskRecord(request, run: 1, submission: submission, digest: old.digest, at: now)
    draft.runtime = runtime.name
    let message = TaskPublication(
      request, runtime: runtime, group: submitter.group, store: store, trace: trace, limit: topic.maximumBytes)
    let body = message.body
    let opened = try await RunOpener(ledger).open(draft, reuse: .always, optimistic: false) { record in
      try await ledger.create(
        record, request: body, publishing: { message.publication(of: record, at: $0) }, on: topic)
    }
    return try await outcome(of: opened, message)
  }

  /// What a task may not ask for here.
  private func check(
    _ request: TaskRequest, for submitter: Submitter, _ runtime: RuntimeDescription
  ) throws(RequestProblem) {
    var fields: [RequestProblem.Field] = []
    if let model = request.model, !TaskNaming.isModelName(model) {
      fields.append(.init("/model", "is no model's name: 1 to 256 characters without control characters"))
    }
    if request.options.priority == .high, runtime.priorityQueue == nil || !submitter.mayHurry {
      let why =
        submitter.mayHurry
        ? "runtime \(runtime.name) has no queue for tasks of high priority" : "this key may not hurry"
      fields.append(.init("/priority", why))
    }
    // Objects of one tenant's tasks must not lie among another's, and the worker takes prefixes of 512 bytes.
    let place = submitter.prefix.isEmpty ? request.folder : "\(submitter.prefix)/\(request.folder)"
    if submitter.prefix.isEmpty ? reserves(place) : place.utf8.count > 512 + 1 + request.key.id.utf8.count {
      fields.append(.init("/prefix", submitter.prefix.isEmpty ? "belongs to a tenant" : "is too long"))
    }
    if !fields.isEmpty { throw RequestProblem("the task cannot be taken as it stands", fields: fields) }
  }

  private func runtime(for request: TaskRequest) throws(RequestProblem) -> RuntimeDescription {
    let runtime = try named(in: request)
    guard let why = runtime.refusal(of: request) else { return runtime }
    // The topic would drop it without a word.
    throw RequestProblem("the task would not reach its runtime", fields: [.init("/runtime", why)])
  }

  private func named(in request: TaskRequest) throws(RequestProblem) -> RuntimeDescription {
    if let name = request.runtime {
      if let runtime = catalog.runtime(named: name) { return runtime }
      let known = catalog.runtimes.map(\.name).joined(separator: ", ")
      throw RequestProblem(
        "unknown runtime \(name)", fields: [.init("/runtime", "there is no runtime \(name); there are: \(known)")])
    }
    if let model = request.model {
      if let runtime = catalog.runtime(forModel: model) { return runtime }
      let known = Set(catalog.runtimes.compactMap(\.model)).sorted().joined(separator: ", ")
      throw RequestProblem(
        "unknown model \(model)", fields: [.init("/model", "no runtime has the model \(model); there are: \(known)")])
    }
    throw RequestProblem("neither runtime nor model", fields: [.init("/runtime", "is missing")])
  }
}

extension TaskRequest {
  /// The same, not worth doing after another time; `nil` for one that always is.
  fileprivate func living(as expiresAt: Timestamp?) -> TaskRequest {
    guard let expiresAt else { return self }
    var task = self
    task.options.expiresAt = expiresAt
    task.payload["metadata"]?["expires_at"] = .string(expiresAt.description)
    return task
  }
}

/// How submissions and tasks that name no id get theirs.
public enum SubmissionID {
  /// The same for the same tenant and key, and for nothing else.
  public static func derived(tenant: String, key: String) -> String {
    TaskMessage.digest(["tenant": .string(tenant), "key": .string(key)])
  }

  /// The id of a task whose client gave an idempotency key and no id.
  public static func taskID(tenant: String, key: String) -> String {
    "k" + derived(tenant: tenant, key: key).prefix(40)
  }
}
