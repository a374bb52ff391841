import SDCore
import Synchronization

/// The objects of a bucket, in order of their keys' bytes.
final class MemoryBucket: Sendable {
  struct Stored: Sendable {
    var bytes: [UInt8]
    var info: ObjectInfo
  }

  private struct State {
    var objects: [ExactString: Stored] = [:]
    /// The keys in order.
    var keys: [ExactString] = []
    var writes = 0

    /// Where a key is or belongs.
    func position(of key: ExactString) -> Int {
      var (low, high) = (0, keys.count)
      while low < high {
        let middle = (low + high) / 2
        if keys[middle] < key { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }

  let name: String
  private let clocks: Clocks
  private let state = Mutex(State())

  init(name: String, clocks: Clocks) { (self.name, self.clocks) = (name, clocks) }

  func put(_ name: String, _ bytes: [UInt8], _ options: PutOptions) throws(SDError) -> ObjectInfo {
    let key = ExactString(name)
    return try state.withLock { state throws(SDError) in
      let present = state.objects[key]
      switch options.condition {
      case .none: break
      case .ifAbsent:
        guard present == nil else { throw SDError(.conflict, "put of \(name) if absent: there is one") }
      case .ifMatch(let tag):
        guard present?.info.etag == tag else { throw SDError(.conflict, "put of \(name) over another version") }
      }
      state.writes += 1
      let info = ObjectInfo(
        key: name, size: Int64(bytes.count), etag: "w\(state.writes)", modified: clocks.timestamp,
        contentType: options.contentType, metadata: options.metadata)
      if present == nil { state.keys.insert(key, at: state.position(of: key)) }
      state.objects[key] = Stored(bytes: bytes, info: info)
      return info
    }
  }

  func get(_ name: String) throws(SDError) -> Stored {
    guard let stored = state.withLock({ $0.objects[ExactString(name)] }) else {
      throw SDError(.notFound, "there is no object \(name)")
    }
    return stored
  }

  func delete(_ names: [String]) {
    state.withLock { state in
      for key in names.map({ ExactString($0) }) where state.objects.removeValue(forKey: key) != nil {
        state.keys.remove(at: state.position(of: key))
      }
    }
  }

  func list(prefix: String, after: String?, limit: Int) -> ([ObjectInfo], isTruncated: Bool) {
    state.withLock { state in
      let start = ExactString(prefix)
      var position = state.position(of: start)
      if let after = after.map({ ExactString($0) }), start <= after {
        position = state.position(of: after)
        if position < state.keys.count, state.keys[position] == after { position += 1 }
      }
      var found: [ObjectInfo] = []
      while position < state.keys.count, state.keys[position].text.startsWithBytes(of: prefix) {
        if found.count == limit { return (found, true) }
        if let stored = state.objects[state.keys[position]] { found.append(stored.info) }
        position += 1
      }
      return (found, false)
    }
  }
}
