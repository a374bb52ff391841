import Logging
public import SDCore

extension ObjectTaskLedger {
  /// How many records one page looks through at most for those that match.
  private static let scanned = 500
  /// Records read at once.
  private static let parallelReads = 16

  /// Records, newest first.
  public func page(_ query: LedgerQuery) async throws -> LedgerPage {
    let prefix = IndexPlace.prefix(tenant: query.tenant)
    var after: String?
    if let cursor = query.cursor {
      guard IndexPlace(cursor) != nil else {
        throw SDError(.invalid, "a page of the ledger: the cursor is none that it gave")
      }
      after = prefix + cursor
    }
    let limit = min(max(query.limit, 1), 1000)
    let isFiltered = !query.states.isEmpty || query.runtime != nil
    var (records, seen): ([TaskRecord], Int) = ([], 0)
    while true {
      let wanted = isFiltered ? max(limit - records.count, Self.parallelReads * 2) : limit - records.count
      let listed = try await store.list(prefix: prefix, after: after, limit: wanted)
      let places = listed.objects.map { IndexPlace($0.key.utf8.dropFirst(prefix.utf8.count).text) }
      let found = try await read(places, tenant: query.tenant)
      for (position, record) in found.enumerated() {
        seen += 1
        after = listed.objects[position].key
        if let record, query.admits(record) { records.append(record) }
        let isLast = position == found.count - 1 && !listed.isTruncated
        if isLast { return LedgerPage(records: records, next: nil) }
        if records.count == limit || seen >= Self.scanned {
          return LedgerPage(records: records, next: after.map { $0.utf8.dropFirst(prefix.utf8.count).text })
        }
      }
      guard !listed.objects.isEmpty else { return LedgerPage(records: records, next: nil) }
    }
  }

  /// The records of places, in their order; `nil` where there is none, or where it is of another time.
  private func read(_ places: [IndexPlace?], tenant: String) async throws -> [TaskRecord?] {
    try await withThrowingTaskGroup(of: (Int, TaskRecord?).self) { group in
      var waiting = places.indices[...]
      var records = [TaskRecord?](repeating: nil, count: places.count)
      func startNext() {
        guard let position = waiting.popFirst() else { return }
        group.addTask {
          guard let place = places[position] else { return (position, nil) }
          return (position, try await record(at: place, tenant: tenant))
        }
      }
      for _ in 0..<Self.parallelReads { startNext() }
      while let (position, record) = try await group.next() {
        records[position] = record
        startNext()
      }
      return records
    }
  }

  private func record(at place: IndexPlace, tenant: String) async throws -> TaskRecord? {
    let key = RunKey(TaskKey(tenant: tenant, id: place.id), run: place.run)
    do {
      let object = try await store.get(
        LedgerKeys(key.task).record(key.run), range: nil, limit: StoredEntry.maximumBytes)
      let record = try StoredEntry(object.bytes, of: key).record
      return record.createdAt.milliseconds == place.created ? record : nil
    } catch let error as SDError where error.code == .notFound {
      return nil
    } catch let error as SDError where error.code == .corrupt {
      logger.error("a damaged record is left out of a listing", metadata: ["task": "\(key)", "error": "\(error)"])
      return nil
    }
  }
}

extension LedgerQuery {
  fileprivate func admits(_ record: TaskRecord) -> Bool {
    (states.isEmpty || states.contains(record.state)) && (runtime == nil || runtime == record.runtime)
  }
}

extension Substring.UTF8View {
  fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
