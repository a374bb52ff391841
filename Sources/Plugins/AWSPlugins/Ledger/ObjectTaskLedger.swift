public import Logging
public import SDCore

/// What is known of tasks, as small objects in a store whose conditional writes decide races: on AWS no further database is
/// needed.
///
/// A record is created if absent and changed if it has the tag that it was read with. What a listing needs is in the keys of
/// empty objects. Records and publications are two steps here: the record first, so that what is published can be found.
/// Nothing is ever deleted but stale index keys; a lifecycle rule on `.sd/` ends records after the queue's retention.
public struct ObjectTaskLedger: TaskLedger {
  let store: any ObjectStore
  let clocks: Clocks
  let logger: Logger

  /// The ledger that lies in a store under `.sd/`.
  public init(store: any ObjectStore, clocks: Clocks = .system, logger: Logger = Logger(label: "ledger")) {
    (self.store, self.clocks, self.logger) = (store, clocks, logger)
  }

  // MARK: Writing

  public func create(_ record: TaskRecord, request: [UInt8]) async throws -> LedgerWrite {
    let keys = LedgerKeys(record.key.task)
    let stored = StoredEntry(record, request: request, digest: StoredEntry.digest(request))
    // What the record refers to is there before it.
    if record.key.run > 1 {
      try await store.put(keys.submission(record.submission), Array("\(record.key.run)".utf8), options: .text)
    }
    if stored.request == nil { try await store.put(keys.request(stored.digest), request) }
    if let due = DuePlace(record) { try await store.put(due.text, [], options: .text) }
    let place = IndexPlace.prefix(tenant: record.key.task.tenant) + IndexPlace(record).text
    async let indexed = store.put(place, [], options: .text)
    do {
      let written = try await store.put(
        keys.record(record.key.run), try stored.serialized(), options: .record(.ifAbsent))
      _ = try await indexed
      return .written(entry(record, request, etag: written.etag, digest: stored.digest))
    } catch let error as SDError where error.code == .conflict {
      guard let standing = try await read(record.key) else {
        throw SDError(.unavailable, "the record of \(record.key) was refused, but there is none", underlying: error)
      }
      _ = try await indexed
      // A key that says another time than the record is passed over by listings; it need not stay.
      if IndexPlace(standing.record) != IndexPlace(record) { try? await store.delete([place]) }
      return .refused(standing)
    }
  }

  public func update(_ entry: LedgerEntry) async throws -> LedgerWrite {
    let (record, known) = (entry.record, StoredRevision(entry.revision))
    var (request, digest) = (entry.request, StoredEntry.digest(entry.request))
    if digest != known.digest {
      // The request is as it was given first, whatever the caller holds.
      let standing = try await standing(record.key)
      guard standing.revision == entry.revision else { return .refused(standing) }
      (request, digest) = (standing.request, StoredRevision(standing.revision).digest ?? "")
    }
    let stored = StoredEntry(record, request: request, digest: digest)
    do {
      let written = try await store.put(
        LedgerKeys(record.key.task).record(record.key.run), try stored.serialized(),
        options: .record(.ifMatch(known.etag)))
      return .written(self.entry(record, request, etag: written.etag, digest: digest))
    } catch let error as SDError where error.code == .conflict {
      return .refused(try await standing(record.key))
    }
  }

  private func entry(_ record: TaskRecord, _ request: [UInt8], etag: String, digest: String) -> LedgerEntry {
    LedgerEntry(record: record, request: request, revision: StoredRevision(etag: etag, digest: digest).revision)
  }

  private func standing(_ key: RunKey) async throws -> LedgerEntry {
    guard let standing = try await read(key) else {
      throw SDError(.notFound, "update of \(key): there is no such record")
    }
    return standing
  }

  // MARK: Reading

  /// Reads a record; one whose tag is known is only looked at.
  public func read(_ key: RunKey, unlessAt known: Revision?) async throws -> LedgerReading {
    let keys = LedgerKeys(key.task)
    do {
      if let known {
        let tag = try await store.head(keys.record(key.run)).etag
        if tag == StoredRevision(known).etag { return .unchanged }
      }
      let object = try await store.get(keys.record(key.run), range: nil, limit: StoredEntry.maximumBytes)
      let stored = try StoredEntry(object.bytes, of: key)
      let request = try await request(of: stored, keys)
      return .entry(entry(stored.record, request, etag: object.info.etag, digest: stored.digest))
    } catch let error as SDError where error.code == .notFound {
      return .absent
    }
  }

  private func request(of stored: StoredEntry, _ keys: LedgerKeys) async throws -> [UInt8] {
    if let request = stored.request { return request }
    let key = stored.record.key
    do {
      let bytes = try await store.get(keys.request(stored.digest), range: nil, limit: StoredEntry.maximumBytes).bytes
      guard StoredEntry.digest(bytes) == stored.digest else {
        throw SDError(.corrupt, "the stored request of task \(key) is not the one that was written")
      }
      return bytes
    } catch let error as SDError where error.code == .notFound {
      throw SDError(.corrupt, "the record of task \(key) is there, its request is not", underlying: error)
    }
  }

  public func latest(_ task: TaskKey) async throws -> LedgerEntry? {
    let keys = LedgerKeys(task)
    guard let newest = try await store.list(prefix: keys.records, after: nil, limit: 1).objects.first,
      let run = keys.run(ofRecord: newest.key)
    else { return nil }
    return try await read(RunKey(task, run: run))
  }

  /// The run that a submission made: the first one looks for itself, later ones have left word which run they tried for.
  public func find(_ task: TaskKey, submission: String) async throws -> LedgerEntry? {
    func own(_ run: Int) async throws -> LedgerEntry? {
      guard let entry = try await read(RunKey(task, run: run)),
        entry.record.submission.utf8.elementsEqual(submission.utf8)
      else { return nil }
      return entry
    }
    let word: [UInt8]
    do { word = try await store.get(LedgerKeys(task).submission(submission)).bytes } catch let error as SDError
      where error.code == .notFound
    { return try await own(1) }
    guard let tried = Int(String(decoding: word, as: UTF8.self)), tried > 0 else { return nil }
    // Where the run tried for went to another, a next one was tried for; a late writer may have left older word.
    for run in tried..<tried + Self.retried { if let entry = try await own(run) { return entry } }
    return try await own(1)
  }

  /// How many runs one submission may have tried for.
  private static let retried = 4
}

extension LedgerKeys {
  /// The run of a record's key.
  func run(ofRecord key: String) -> Int? {
    guard key.startsWithBytes(of: records) else { return nil }
    return Int(key.dropFirst(records.count)).map { 999_999_999 - $0 }
  }
}

extension PutOptions {
  /// Of what is small and plain.
  static let text = PutOptions(contentType: "text/plain")
  /// Of a record.
  static func record(_ condition: Condition) -> PutOptions {
    PutOptions(contentType: "application/x-ndjson", condition: condition)
  }
}
