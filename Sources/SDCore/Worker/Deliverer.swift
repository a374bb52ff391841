import Crypto
import Logging

/// Stores what the engine made, commits it, and tells the world: in this order, so that each step can be repeated.
struct Deliverer: Sendable {
  let store: any ObjectStore
  let ledger: any TaskLedger
  let announcer: Announcer
  let clocks: Clocks
  let patience: Patience
  let logger: Logger
  let metrics: WorkerMetrics
  /// Outputs stored at once.
  private static let parallelPuts = 4
  private static let runName = "sd-run"
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
  func deliver(
    _ result: InferenceResult, _ making: Making, _ run: ClaimedRun, timings: [String: Double]
  ) async throws -> Outcome {
    let standing = try await patience.trying("looking at \(run.key)") {
      try await run.standing(notOlderThan: .seconds(2))
    }
    switch standing {
    case .superseded: return .superseded
    case .cancelled:
      let error = TaskError(.cancelled, .deliver, "the task was cancelled")
      return try await close(run, .cancelled, error)
    case .ours: break
    }
    let before = await run.entry.record
    let outputs = result.outputs.enumerated().map { TaskOutput($1, number: $0 + 1, before.names) }
    let ours = outputs.flatMap(\.keys)
    let manifest = Manifest(before, making, result: result, outputs: outputs, timings: timings, at: clocks.timestamp)
    do {
      // Nothing of it counts before the commit: the manifest need not wait for what it tells of.
      async let described: Void = put(
        before.names.manifest, manifest.serialized()[...], "application/json", nil, run)
      try await put(result.outputs, outputs, run)
      try await described
    } catch is Superseded {
      // What we stored before we knew. A winner that has not committed yet sweeps after its commit.
      if case .superseded = try await run.standing(notOlderThan: .zero) { await sweep(await run.entry.record, ours) }
      return .superseded
    }
    let committed = try await end(run) { [store, clocks] record in
      if record.cancelRequested {
        record.end(.cancelled, error: TaskError(.cancelled, .deliver, "the task was cancelled"), at: clocks.timestamp)
      } else {
        record.end(.succeeded, error: nil, at: clocks.timestamp)
        record.outputs = outputs
      }
      record.timings = timings
      record.notice = Notices(record, store: store).end(result)
    }
    await sweep(committed.entry.record, ours, looks: run.claim.epoch > 1)
    return outcome(of: committed, run)
  }

  /// Ends a run without outputs.
  func close(_ run: ClaimedRun, _ state: TaskState, _ error: TaskError) async throws -> Outcome {
    let closed = try await end(run) { [store, clocks] record in
      let wins = record.cancelRequested && state == .failed
      record.end(wins ? .cancelled : state, error: error, at: clocks.timestamp)
      record.notice = Notices(record, store: store).end(nil)
    }
    return outcome(of: closed, run)
  }

  private func outcome(of end: RecordWriter.Outcome, _ run: ClaimedRun) -> Outcome {
    switch end {
    case .written(let entry): .ended(entry)
    // Ours after all: only the answer to an earlier try was lost.
    case .moot(let entry) where entry.record.state.isTerminal && entry.record.claim?.token == run.claim.token:
      .ended(entry)
    case .moot: .superseded
    }
  }

  private func end(
    _ run: ClaimedRun, _ change: @escaping @Sendable (inout TaskRecord) -> Void
  ) async throws -> RecordWriter.Outcome {
    let outcome = try await patience.trying("ending \(run.key)") { try await run.write(change) }
    if case .written(let entry) = outcome { metrics.ended(entry.record) }
    return outcome
  }

  /// Tells of a run that has ended.
  func announce(_ entry: LedgerEntry, result: InferenceResult?) async throws {
    let record = entry.record
    // Attempts before may have stored something; whoever ended the run may not have lived to remove it.
    if record.state != .succeeded || result == nil { await sweep(record, looks: record.claim != nil) }
    try await patience.trying("announcing \(record.key)") { try await announcer.announce(record, result: result) }
  }

  // MARK: Outputs

  private struct Superseded: Error {}

  private func put(_ outputs: [InferenceOutput], _ told: [TaskOutput], _ run: ClaimedRun) async throws {
    var objects: [(key: String, bytes: ArraySlice<UInt8>, contentType: String, sha256: String)] = []
    for (output, told) in zip(outputs, told) {
      objects.append((told.key, output.bytes, told.contentType, told.sha256))
      guard let small = output.thumbnail, let named = told.thumbnail else { continue }
      objects.append((named.key, small.bytes[...], named.contentType, named.sha256))
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      var waiting = objects[...]
      func startNext() {
        guard let object = waiting.popFirst() else { return }
        group.addTask { try await put(object.key, object.bytes, object.contentType, object.sha256, run) }
      }
      for _ in 0..<Self.parallelPuts { startNext() }
      while try await group.next() != nil { startNext() }
    }
  }

  /// Stores one object: if there is none yet, or if what is there was left by a claim that ours has superseded, or by a run
  /// that no record knows of any more.
  private func put(
    _ key: String, _ bytes: ArraySlice<UInt8>, _ contentType: String, _ known: String?, _ run: ClaimedRun
  ) async throws {
    let (epoch, submission) = (run.claim.epoch, await run.entry.record.submission)
    let digest = known ?? contentDigest(bytes)
    let name = hexadecimal(SHA256.hash(data: Array(submission.utf8)).prefix(8))
    var options = PutOptions(
      contentType: contentType,
      metadata: [Self.runName: name, Self.epochName: String(epoch), Self.digestName: digest], condition: .ifAbsent,
      sha256: digest)
    try await patience.trying("storing \(key)") {
      for _ in 0..<4 {
        do {
          try await store.put(key, .bytes(bytes), options: options)
          return
        } catch let error as SDError where error.code == .conflict {
          guard let there = try await existing(key) else {
            options.condition = .ifAbsent
            continue
          }
          let isOfRun = there.metadata[Self.runName] == name
          let theirs = isOfRun ? there.metadata[Self.epochName].flatMap(Int.init) ?? 0 : 0
          if there.metadata[Self.digestName] == digest, theirs == epoch { return }
          if theirs > epoch { throw Superseded() }
          options.condition = .ifMatch(there.etag)
        }
      }
      throw SDError(.conflict, "object \(key) was changed by others time and again")
    }
  }

  private func existing(_ key: String) async throws -> ObjectInfo? {
    do { return try await store.head(key) } catch let error as SDError where error.code == .notFound { return nil }
  }

  /// Removes what a run that has ended does not list: our own, where the commit went to another or was none, and with
  /// `looks` what superseded claims left. Their holders remove their own if they still live.
  private func sweep(_ record: TaskRecord, _ ours: [String] = [], looks: Bool = false) async {
    guard record.state.isTerminal, looks || !ours.isEmpty else { return }
    let (names, listed) = (record.names, Set(record.outputs.flatMap(\.keys)))
    var strays = Set(ours)
    do {
      if looks {
        let page = try await store.list(prefix: names.outputPrefix, after: nil, limit: 1000)
        strays.formUnion(page.objects.map(\.key).filter { names.isOutput($0) })
      }
      if record.state != .succeeded { strays.insert(names.manifest) }
      strays.subtract(listed)
      if !strays.isEmpty { try await store.delete(strays.sorted()) }
    } catch {
      logger.warning(
        "objects that no record lists could not be removed",
        metadata: ["task": "\(record.key)", "error": "\(error)"])
    }
  }
}

private func contentDigest(_ bytes: ArraySlice<UInt8>) -> String {
  hexadecimal(bytes.withUnsafeBytes { SHA256.hash(data: $0) })
}

extension TaskOutput {
  /// What an engine made, as it is stored.
  fileprivate init(_ output: InferenceOutput, number: Int, _ names: OutputNames) {
    self.init(
      key: names.output(number, fileExtension: output.fileExtension), role: output.role,
      contentType: output.contentType, bytes: output.bytes.count, sha256: contentDigest(output.bytes),
      width: output.width, height: output.height, seed: output.seed)
    thumbnail = output.thumbnail.map { small in
      Thumbnail(
        key: names.thumbnail(number, fileExtension: small.fileExtension), contentType: small.contentType,
        bytes: small.bytes.count, sha256: contentDigest(small.bytes[...]), width: small.width, height: small.height)
    }
  }
}
