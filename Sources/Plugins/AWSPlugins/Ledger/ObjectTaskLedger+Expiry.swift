import Logging
public import SDCore

extension ObjectTaskLedger {
  /// How many places one call looks at: those of runs that run on, or wait for their removal, come before others.
  private static let looked = 1000
  private static let parallelReads = 16
  /// A place may be there before its record, but not for long.
  private static let grace: Duration = .seconds(3600)

  /// Queued runs of any tenant whose time has passed, the first first.
  ///
  /// Runs with a time have a place in a listing of their own, which is removed by whoever finds that they have ended.
  public func overdue(at now: Timestamp, limit: Int) async throws -> [LedgerEntry] {
    let listed = try await store.list(prefix: DuePlace.prefix, after: nil, limit: Self.looked)
    let due = listed.objects.compactMap { DuePlace($0.key) }.prefix { $0.at <= now }
    var (entries, stale): ([LedgerEntry], [String]) = ([], [])
    for start in stride(from: 0, to: due.count, by: Self.parallelReads) where entries.count < limit {
      let places = due[start..<min(start + Self.parallelReads, due.count)]
      for (place, standing) in zip(places, try await standing(places, at: now)) {
        switch standing {
        case .overdue(let entry): entries.append(entry)
        case .over: stale.append(place.text)
        case .other: break
        }
      }
    }
    if !stale.isEmpty { try? await store.delete(stale) }
    return Array(entries.prefix(limit))
  }

  private enum Standing {
    case overdue(LedgerEntry)
    /// Its place is of no more use.
    case over
    case other
  }

  private func standing(_ places: ArraySlice<DuePlace>, at now: Timestamp) async throws -> [Standing] {
    try await withThrowingTaskGroup(of: (Int, Standing).self) { group in
      for (position, place) in places.enumerated() {
        group.addTask { (position, try await standing(place, at: now)) }
      }
      return try await group.reduce(into: [Standing](repeating: .other, count: places.count)) { $0[$1.0] = $1.1 }
    }
  }

  private func standing(_ place: DuePlace, at now: Timestamp) async throws -> Standing {
    do {
      guard let entry = try await read(place.key) else { return place.at + Self.grace < now ? .over : .other }
      if entry.record.state.isTerminal || entry.record.options.expiresAt != place.at { return .over }
      return entry.record.state == .queued ? .overdue(entry) : .other
    } catch let error as SDError where error.code == .corrupt {
      logger.error("a damaged record is not looked at for its time", metadata: ["task": "\(place.key)"])
      return .other
    }
  }
}

/// A run's place in the listing of those that have a time, which is the same for all tenants.
struct DuePlace: Hashable {
  let at: Timestamp
  let key: RunKey

  static let prefix = ".sd/due/"

  /// `nil` for a run without a time.
  init?(_ record: TaskRecord) {
    guard let at = record.options.expiresAt else { return nil }
    (self.at, key) = (at, record.key)
  }

  /// The key of its object: `.sd/due/<time>/<id>/<run>/t<tenant>`.
  var text: String {
    let time = LedgerKeys.padded(min(max(at.milliseconds, 0), IndexPlace.longest), 15)
    return
      "\(Self.prefix)\(time)/\(LedgerKeys.encoded(key.task.id))/\(key.run)/t\(LedgerKeys.encoded(key.task.tenant))"
  }

  /// A place from the key of its object; `nil` for what is none.
  init?(_ text: String) {
    guard text.hasPrefix(Self.prefix) else { return nil }
    let parts = text.dropFirst(Self.prefix.count).split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0].utf8.count == 15, let time = Int64(parts[0]), time >= 0, let run = Int(parts[2]),
      run > 0, let id = LedgerKeys.decoded(parts[1]), parts[3].hasPrefix("t"),
      let tenant = LedgerKeys.decoded(parts[3].dropFirst())
    else { return nil }
    (at, key) = (Timestamp(milliseconds: time), RunKey(TaskKey(tenant: tenant, id: id), run: run))
    guard self.text == text else { return nil }
  }
}
