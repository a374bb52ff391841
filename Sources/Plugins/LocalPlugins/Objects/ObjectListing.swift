import SDCore

/// A walk through a bucket in order of keys.
///
/// Keys in a folder all begin with the folder's name and a slash, so sorting names by the bytes that their keys begin
/// with gives the keys in order of their bytes. At each folder the walk begins at the root again: a deep key must not
/// hold a descriptor a level.
struct ObjectListing {
  private let bucket: ObjectBucket
  private let prefix: [UInt8]
  private let after: [UInt8]?
  private let limit: Int
  private var objects: [ObjectInfo] = []

  init(_ bucket: ObjectBucket, prefix: String, after: String?, limit: Int) {
    self.bucket = bucket
    self.prefix = Array(prefix.utf8)
    self.after = after.map { Array($0.utf8) }
    self.limit = min(max(limit, 1), 1000)
  }

  /// Walks until the page is full; answers it.
  mutating func page() throws -> ObjectPage {
    try visit(folders: [], key: [])
    let isTruncated = objects.count > limit
    return ObjectPage(objects: Array(objects.prefix(limit)), isTruncated: isTruncated)
  }

  private struct Entry {
    /// What the keys begin with: of an object its key, of a folder its name and a slash.
    var bytes: [UInt8]
    /// Where it leads, for a folder.
    var folders: [String]?
  }

  /// One object more than the page holds is looked for, to know whether there are more.
  private var isFull: Bool { objects.count > limit }

  private mutating func visit(folders: [String], key: [UInt8]) throws {
    var entries: [Entry] = []
    try collect(folders: folders, pieces: [], key: key, into: &entries)
    entries.sort { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    for entry in entries {
      if isFull { return }
      if let folders = entry.folders { try visit(folders: folders, key: entry.bytes) } else { add(entry.bytes) }
    }
  }

  private func collect(folders: [String], pieces: [String], key: [UInt8], into entries: inout [Entry]) throws {
    guard let folder = try bucket.folder(ObjectPath(folders: folders)) else { return }
    for (name, kind) in try folder.names() where kind != .other && name.utf8.first != UInt8(ascii: ".") {
      switch ObjectPath.meaning(of: name, isFolder: kind == .directory, after: pieces) {
      case .object(let segment):
        let bytes = key + segment
        if bytes.starts(with: prefix), after.map({ $0.lexicographicallyPrecedes(bytes) }) ?? true {
          entries.append(Entry(bytes: bytes))
        }
      case .folder(let segment):
        let bytes = key + segment + [UInt8(ascii: "/")]
        if mayHold(bytes) { entries.append(Entry(bytes: bytes, folders: folders + [name])) }
      case .continuation(let pieces):
        try collect(folders: folders + [name], pieces: pieces, key: key, into: &entries)
      case nil: break
      }
    }
  }

  /// Whether keys that begin with these bytes may be of the page.
  private func mayHold(_ bytes: [UInt8]) -> Bool {
    guard bytes.starts(with: prefix) || prefix.starts(with: bytes) else { return false }
    guard let after else { return true }
    return after.starts(with: bytes) || after.lexicographicallyPrecedes(bytes)
  }

  private mutating func add(_ bytes: [UInt8]) {
    let key = String(decoding: bytes, as: UTF8.self)
    do {
      objects.append(try bucket.open(key).description.info(key))
    } catch let error as SDError where error.code == .notFound {
      // Deleted since the folder was read.
    } catch {
      // A damaged object is there all the same; reading it says what is wrong.
      objects.append(ObjectInfo(key: key, size: 0, etag: "", modified: Timestamp(milliseconds: 0)))
    }
  }
}
