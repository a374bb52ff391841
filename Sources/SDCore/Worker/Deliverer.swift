import Crypto
import Logging

/// Stores what the engine made, commits it, and tells the world: in this order, so that each step can be repeated.
struct Deliverer: Sendable {
  let store: any ObjectStore
  let ledger: any TaskLedger
  let events: any EventTopic
  let clocks: Clocks
  let patience: Patience
  let logger: Logger
  let metrics: WorkerMetrics
  /// Outputs stored at once.
  private static let parallelPuts = 4
  private static let epochName = "sd-epoch"
  private static let digestName = "sd-sha256"

  /// What came of a delivery.
  enum Outcome: Sendable {
    /// The record has ended; it remains to be announced.
    case ended(LedgerEntry)
    /// Another has the run: nothing of ours is left.
    case superseded
  }

  /// Stores the outputs and commits them.
  func deliver(_ result: InferenceResult, _ run: ClaimedRun, timings: [String: Double]) async throws -> Outcome {
    let standing = try await patience.trying("looking at \(run.key)") {
      try await run.standing(notOlderThan: .seconds(2))
    }
    switch standing {
    case .superseded: return .superseded
    case .cancelled: return try await close(run, .cancelled, TaskError(.cancelled, .deliver, "the task was cancelled"))
    case .ours: break
    }
    let names = await run.entry.record.names
    let outputs: [TaskOutput]
    do { outputs = try await put(result.outputs, names, run) } catch is Superseded {
      // What we stored before we knew. A winner that has not committed yet sweeps after its commit.
      if case .superseded = try await run.standing(notOlderThan: .zero), await run.entry.record.state.isTerminal {
        let listed = Set(await run.entry.record.outputs.map(\.key))
        let ours = result.outputs.enumerated().map { names.output($0 + 1, fileExtension: $1.fileExtension) }
        await sweep(names, keeping: listed, ours: ours, tookOver: false, run)
      }
      return .superseded
    }
    let record = await run.entry.record
    let manifest = Manifest(record, result: result, outputs: outputs, timings: timings, at: clocks.timestamp)
      .serialized()
    try await patience.trying("storing the manifest of \(run.key)") {
      try await store.put(names.manifest, manifest, options: .init(contentType: "application/json"))
    }
    let outcome = try await end(run) { [store, clocks] record in
      if record.cancelRequested {
        record.end(.cancelled, error: TaskError(.cancelled, .deliver, "the task was cancelled"), at: clocks.timestamp)
      } else {
        record.end(.succeeded, error: nil, at: clocks.timestamp)
        record.outputs = outputs
      }
      record.timings = timings
      record.notice = Notices(record, store: store).end(result)
    }
    let listed = Set(outcome.entry.record.outputs.map(\.key))
    await sweep(names, keeping: listed, ours: outputs.map(\.key), tookOver: run.claim.epoch > 1, run)
    guard case .written(let entry) = outcome else { return .superseded }
    return .ended(entry)
  }

  /// Ends a run without outputs.
  func close(_ run: ClaimedRun, _ state: TaskState, _ error: TaskError) async throws -> Outcome {
    let outcome = try await end(run) { [store, clocks] record in
      let wins = record.cancelRequested && state == .failed
      record.end(wins ? .cancelled : state, error: error, at: clocks.timestamp)
      record.notice = Notices(record, store: store).end(nil)
    }
    guard case .written(let entry) = outcome else { return .superseded }
    return .ended(entry)
  }

  private func end(
    _ run: ClaimedRun, _ change: @escaping @Sendable (inout TaskRecord) -> Void
  ) async throws -> RecordWriter.Outcome {
    let outcome = try await patience.trying("ending \(run.key)") { try await run.write(change) }
    if case .written(let entry) = outcome { metrics.ended(entry.record) }
    return outcome
  }

  /// Tells of a run that has ended: the `.out` object, then the notice. Both are the same however often it is done.
  func announce(_ entry: LedgerEntry, result: InferenceResult?) async throws {
    let record = entry.record
    guard !record.announced, let notice = record.notice else { return }
    let answer = Notices(record, store: store).answer(result)
    try await patience.trying("storing the answer of \(record.key)") {
      // An answer that is there was made when the engine's was at hand; what a later delivery knows is less.
      do {
        try await store.put(
          record.names.answer, .bytes(answer[...]),
          options: .init(contentType: "application/json", condition: result == nil ? .ifAbsent : .none))
      } catch let error as SDError where error.code == .conflict {}
    }
    _ = try await patience.trying("announcing \(record.key)") { try await events.publish(notice.publication) }
  }

  // MARK: Outputs

  private struct Superseded: Error {}

  private func put(_ outputs: [InferenceOutput], _ names: OutputNames, _ run: ClaimedRun) async throws -> [TaskOutput] {
    try await withThrowingTaskGroup(of: (Int, TaskOutput).self) { group in
      var waiting = outputs.indices[...]
      var stored: [Int: TaskOutput] = [:]
      func startNext() {
        guard let position = waiting.popFirst() else { return }
        let output = outputs[position]
        let key = names.output(position + 1, fileExtension: output.fileExtension)
        group.addTask { (position, try await put(output, key, epoch: run.claim.epoch)) }
      }
      for _ in 0..<Self.parallelPuts { startNext() }
      while let (position, output) = try await group.next() {
        stored[position] = output
        startNext()
      }
      return stored.sorted { $0.key < $1.key }.map(\.value)
    }
  }

  /// Stores one output: if there is none yet, or if what is there was left by a claim that ours has superseded.
  private func put(_ output: InferenceOutput, _ key: String, epoch: Int) async throws -> TaskOutput {
    let digest = hexadecimal(output.bytes.withUnsafeBytes { SHA256.hash(data: $0) })
    var options = PutOptions(
      contentType: output.contentType, metadata: [Self.epochName: String(epoch), Self.digestName: digest],
      condition: .ifAbsent)
    try await patience.trying("storing \(key)") {
      for _ in 0..<4 {
        do {
          try await store.put(key, .bytes(output.bytes), options: options)
          return
        } catch let error as SDError where error.code == .conflict {
          guard let there = try await existing(key) else {
            options.condition = .ifAbsent
            continue
          }
          let theirs = there.metadata[Self.epochName].flatMap(Int.init) ?? 0
          if there.metadata[Self.digestName] == digest, theirs == epoch { return }
          if theirs > epoch { throw Superseded() }
          options.condition = .ifMatch(there.etag)
        }
      }
      throw SDError(.conflict, "object \(key) was changed by others time and again")
    }
    return TaskOutput(
      key: key, role: output.role, contentType: output.contentType, bytes: output.bytes.count, sha256: digest,
      width: output.width, height: output.height, seed: output.seed)
  }

  private func existing(_ key: String) async throws -> ObjectInfo? {
    do { return try await store.head(key) } catch let error as SDError where error.code == .notFound { return nil }
  }

  /// Removes what no record lists: our own outputs when the commit went to another, and, after a take-over, what the
  /// superseded claim left. Its holder removes its own if it still lives.
  private func sweep(
    _ names: OutputNames, keeping listed: Set<String>, ours: [String], tookOver: Bool, _ run: ClaimedRun
  ) async {
    var strays = Set(ours).subtracting(listed)
    if tookOver, let page = try? await store.list(prefix: names.outputPrefix, after: nil, limit: 1000) {
      strays.formUnion(page.objects.map(\.key).filter { names.isOutput($0) && !listed.contains($0) })
    }
    guard !strays.isEmpty else { return }
    do { try await store.delete(strays.sorted()) } catch {
      logger.warning(
        "objects that no record lists could not be removed",
        metadata: ["task": "\(run.key)", "count": "\(strays.count)", "error": "\(error)"])
    }
  }
}
