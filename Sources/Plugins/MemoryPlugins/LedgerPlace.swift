import SDCore

/// Where a record stands in a listing: newest first, then by id and run, so that the order is total and a cursor exact.
struct LedgerPlace: Comparable {
  var createdAt: Int64
  var id: String
  var run: Int

  init(_ record: TaskRecord) {
    (createdAt, id, run) = (record.createdAt.milliseconds, record.key.task.id, record.key.run)
  }

  /// A place from the cursor that names it.
  init?(cursor: String) {
    let parts = cursor.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let createdAt = Int64(parts[0]), let run = Int(parts[1]), !parts[2].isEmpty else {
      return nil
    }
    (self.createdAt, self.run, id) = (createdAt, run, String(parts[2]))
  }

  /// Names the place in a cursor.
  var cursor: String { "\(createdAt):\(run):\(id)" }

  static func < (a: LedgerPlace, b: LedgerPlace) -> Bool {
    (b.createdAt, ExactString(b.id), b.run) < (a.createdAt, ExactString(a.id), a.run)
  }

  /// Where it is or belongs among others in order.
  func position(in places: [LedgerPlace]) -> Int {
    var (low, high) = (0, places.count)
    while low < high {
      let middle = (low + high) / 2
      if places[middle] < self { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Where those after it begin.
  func position(after places: [LedgerPlace]) -> Int {
    let position = self.position(in: places)
    return position < places.count && places[position] == self ? position + 1 : position
  }
}
