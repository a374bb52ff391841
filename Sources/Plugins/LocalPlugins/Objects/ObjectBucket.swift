import Crypto
import FoundationEssentials
import Glibc
import Logging
import SDCore

/// A bucket's directory and the blocking work on it; `FileObjectStore` runs it off the cooperative pool.
///
/// `.tmp` holds what is being written, each file locked by its writer: one that is not was left by a process that died,
/// and is removed by the next that opens the bucket. `.locks` holds a fixed number of lock files among which the keys are
/// spread (a file a key would have to be removed some day, and removing a lock file under its users unlocks it).
struct ObjectBucket: Sendable {
  let root: Descriptor
  let logger: Logger
  private let temporary: Descriptor
  private let locks: Descriptor

  private static let patience: Duration = .seconds(10)
  /// How often a folder may vanish under a put before it gives up.
  private static let tries = 20

  init(directory: String, bucket: String, logger: Logger) throws {
    try Files.makeDirectories(directory)
    let state = try Descriptor.open(path: directory, flags: O_RDONLY | O_DIRECTORY)
    func made(_ name: String, in parent: Descriptor) throws -> Descriptor {
      guard let made = try parent.directory(name, create: true) else {
        throw SDError(.unavailable, "\(parent.path)/\(name) was made and is not there")
      }
      return made
    }
    root = try made(bucket, in: try made("objects", in: state))
    temporary = try made(".tmp", in: root)
    locks = try made(".locks", in: root)
    self.logger = logger
    try removeAbandoned()
  }

  private func removeAbandoned() throws {
    for (name, kind) in try temporary.names() where kind == .file {
      guard let file = try? temporary.open(name, flags: O_RDONLY), file.tryLock(exclusive: true) else { continue }
      // Removed under the lock: a writer that made it just now finds it gone and takes another.
      try withExtendedLifetime(file) { _ = try temporary.remove(name) }
    }
  }

  /// A new file under a temporary name, locked for as long as it is held.
  private func temporaryFile() throws(SDError) -> (name: String, file: Descriptor) {
    for _ in 0..<Self.tries {
      let name = RandomName.make()
      let file = try temporary.open(name, flags: O_WRONLY | O_CREAT | O_EXCL)
      // Who tidies up may come between these two.
      if file.tryLock(exclusive: true), try file.status().isNamed { return (name, file) }
    }
    throw SDError(.unavailable, "\(temporary.path): files can be made there, and not locked")
  }

  // MARK: Folders and locks

  /// The folder of a path; `nil` when there is none.
  ///
  /// With `create` what was made is on the disk when it returns.
  func folder(_ path: ObjectPath, create: Bool = false) throws(SDError) -> Descriptor? {
    var folder = root
    for name in path.folders {
      if let next = try folder.directory(name) {
        folder = next
      } else {
        guard create, let next = try folder.directory(name, create: true) else { return nil }
        try folder.sync()
        folder = next
      }
    }
    return folder
  }

  /// Runs something while nobody else changes the key, in this process or another.
  func locked<T>(_ key: String, _ body: () throws -> T) throws -> T {
    let stripe = key.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } & 0xFF
    let lock = try locks.open("\(stripe)", flags: O_RDWR | O_CREAT)
    try lock.lock(exclusive: true, within: Self.patience)
    // Closing the file would unlock it.
    return try withExtendedLifetime(lock) { try body() }
  }

  // MARK: Reading

  /// The object's open file with what is known of it.
  ///
  /// Throws `.notFound`, and `.corrupt` when it is not what was written.
  func open(_ key: String) throws -> OpenObject {
    let path = ObjectPath(key: key)
    if let object = try glance(key, path) { return object }
    // The file does not fit its description: a put was on its way, or somebody else was at it. Nobody is under the lock.
    return try locked(key) {
      if let object = try glance(key, path) { return object }
      return try judge(key, path)
    }
  }

  /// The object where its file is plainly the one described; `nil` where that cannot be told at a glance.
  private func glance(_ key: String, _ path: ObjectPath) throws -> OpenObject? {
    let (folder, file) = try find(key, path)
    let status = try file.status()
    guard let sidecar = try sidecar(path, in: folder),
      let description = sidecar.descriptions.first(where: { $0.fits(status) })
    else { return nil }
    return OpenObject(key: key, file: file, description: description)
  }

  private func find(_ key: String, _ path: ObjectPath) throws(SDError) -> (folder: Descriptor, file: Descriptor) {
    guard let folder = try folder(path) else { throw Self.notFound(key) }
    do throws(SDError) {
      let file = try folder.open(path.name, flags: O_RDONLY)
      guard try file.status().isFile else { throw SDError(.denied, "\(file.path) is no ordinary file") }
      return (folder, file)
    } catch  where error.code == .notFound {
      throw Self.notFound(key)
    }
  }

  private static func notFound(_ key: String) -> SDError {
    SDError(.notFound, "there is no object \(key.debugDescription)")
  }

  private func sidecar(_ path: ObjectPath, in folder: Descriptor) throws -> ObjectSidecar? {
    let file: Descriptor
    do { file = try folder.open(path.sidecar, flags: O_RDONLY) } catch  where error.code == .notFound { return nil }
    let status = try file.status()
    guard status.isFile, status.size < 64 << 20 else { return nil }
    return ObjectSidecar(parsing: try file.read(at: 0, count: Int(status.size)))
  }

  /// Looks closely, under the lock, at a file that does not fit its description, and describes it anew where its bytes
  /// are what was written, or where nobody can say what was: restored from a backup, or put there by hand.
  private func judge(_ key: String, _ path: ObjectPath) throws -> OpenObject {
    let (folder, file) = try find(key, path)
    let status = try file.status()
    let blocks = try Self.blocks(of: file)
    var description: ObjectSidecar.Description
    if let sidecar = try sidecar(path, in: folder) {
      guard let known = sidecar.descriptions.first(where: { $0.size == status.size && $0.blocks == blocks }) else {
        throw SDError(.corrupt, "the object \(key.debugDescription) at \(file.path) is not what was written")
      }
      description = known
    } else {
      logger.error(
        "an object without a sound description is described anew from its bytes; its type and metadata are lost",
        metadata: ["file": "\(file.path)"])
      description = .init(
        etag: hexadecimal(SHA256.hash(data: Array(blocks.joined().utf8))), size: status.size, inode: 0, changed: 0,
        modified: status.modified / 1_000_000, contentType: PutOptions().contentType, metadata: [:], blocks: blocks)
    }
    (description.inode, description.changed) = (status.inode, status.modified)
    try write(ObjectSidecar([description]), path, in: folder)
    return OpenObject(key: key, file: file, description: description)
  }

  private static func blocks(of file: Descriptor) throws(SDError) -> [String] {
    var blocks: [String] = []
    while true {
      let bytes = try file.read(at: Int64(blocks.count * ObjectSidecar.blockSize), count: ObjectSidecar.blockSize)
      if bytes.isEmpty { return blocks }
      blocks.append(hexadecimal(SHA256.hash(data: bytes)))
    }
  }

  // MARK: Writing

  /// Stores an object: bytes to a temporary file, synced; description; rename; folder synced.
  func put(_ key: String, _ body: ObjectBody, options: PutOptions, at time: Timestamp) throws -> ObjectInfo {
    let path = ObjectPath(key: key)
    let (name, file) = try temporaryFile()
    defer {
      _ = try? temporary.remove(name)
      withExtendedLifetime(file) {}
    }
    let (status, blocks) = try write(body, to: file)
    let description = ObjectSidecar.Description(
      etag: RandomName.make(), size: status.size, inode: status.inode, changed: status.modified,
      modified: time.milliseconds, contentType: options.contentType, metadata: options.metadata, blocks: blocks)
    return try locked(key) {
      for attempt in 1... {
        do {
          try place(name, as: description, key, path, options.condition)
          break
        } catch let error as SDError where error.code == .notFound && attempt < Self.tries {
          // A delete took the folder away because it was empty.
        }
      }
      return description.info(key)
    }
  }

  private func write(_ body: ObjectBody, to file: Descriptor) throws -> (FileStatus, blocks: [String]) {
    var blocks: [String] = []
    func append(_ block: ArraySlice<UInt8>) throws(SDError) {
      try file.write(block)
      blocks.append(hexadecimal(SHA256.hash(data: block)))
    }
    switch body {
    case .bytes(let bytes):
      for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: ObjectSidecar.blockSize) {
        try append(bytes[start..<min(start + ObjectSidecar.blockSize, bytes.endIndex)])
      }
    case .file(let source):
      let source = try Descriptor.open(path: source, flags: O_RDONLY)
      while true {
        let block = try source.read(at: Int64(blocks.count * ObjectSidecar.blockSize), count: ObjectSidecar.blockSize)
        if block.isEmpty { break }
        try append(block[...])
      }
    }
    try file.sync()
    return (try file.status(), blocks)
  }

  private func place(
    _ name: String, as description: ObjectSidecar.Description, _ key: String, _ path: ObjectPath,
    _ condition: PutOptions.Condition
  ) throws {
    guard let folder = try folder(path, create: true) else { throw Self.notFound(key) }
    let standing = try standing(key, path)
    switch (condition, standing) {
    case (.none, _), (.ifAbsent, .absent): break
    case (.ifMatch(let etag), .sound(let standing)) where standing.etag == etag: break
    case (.ifMatch, .damaged(let error)): throw error
    case (.ifAbsent, _), (.ifMatch, _):
      prune(path)
      throw SDError(.conflict, "the object \(key.debugDescription) is not as the condition has it")
    }
    if case .sound(let standing) = standing {
      try write(ObjectSidecar([description, standing]), path, in: folder)
      // The description must not come to the disk after the bytes: those would then be taken for damaged.
      try folder.sync()
    } else {
      try write(ObjectSidecar([description]), path, in: folder)
    }
    try temporary.rename(name, to: path.name, in: folder)
    try folder.sync()
  }

  /// What is under a key before a put.
  private enum Standing {
    case absent
    case sound(ObjectSidecar.Description)
    case damaged(SDError)
  }

  private func standing(_ key: String, _ path: ObjectPath) throws -> Standing {
    do {
      return .sound(try (glance(key, path) ?? judge(key, path)).description)
    } catch let error as SDError where error.code == .notFound {
      return .absent
    } catch let error as SDError where error.code == .corrupt {
      return .damaged(error)
    }
  }

  private func write(_ sidecar: ObjectSidecar, _ path: ObjectPath, in folder: Descriptor) throws {
    let (name, file) = try temporaryFile()
    defer { withExtendedLifetime(file) {} }
    do {
      try file.write(try sidecar.serialized())
      try file.sync()
      try temporary.rename(name, to: path.sidecar, in: folder)
    } catch {
      _ = try? temporary.remove(name)
      throw error
    }
  }

  /// Removes an object, and the folders that it leaves empty.
  func delete(_ key: String) throws {
    let path = ObjectPath(key: key)
    try locked(key) {
      guard let folder = try folder(path) else { return }
      let wasThere = try folder.remove(path.name)
      try folder.remove(path.sidecar)
      if wasThere { try folder.sync() }
      prune(path)
    }
  }

  private func prune(_ path: ObjectPath) {
    var path = path
    while let last = path.folders.popLast() {
      // One that is not empty stays, and so do those above it.
      guard let parent = try? folder(path), parent.removeDirectory(last) else { return }
    }
  }
}

/// An object's file, open, with the description that its bytes must fit.
struct OpenObject: Sendable {
  var key: String
  var file: Descriptor
  var description: ObjectSidecar.Description

  /// The bytes of a block, verified.
  func block(_ number: Int) throws(SDError) -> [UInt8] {
    let bytes = try file.read(at: Int64(number * ObjectSidecar.blockSize), count: ObjectSidecar.blockSize)
    guard number < description.blocks.count, hexadecimal(SHA256.hash(data: bytes)) == description.blocks[number] else {
      throw SDError(
        .corrupt,
        "the object \(key.debugDescription) at \(file.path) is not what was written, near byte \(number * ObjectSidecar.blockSize)"
      )
    }
    return bytes
  }

  /// The part of a range that lies in the block where it begins.
  func chunk(_ range: Range<Int64>) throws(SDError) -> ArraySlice<UInt8> {
    let size = Int64(ObjectSidecar.blockSize)
    let number = range.lowerBound / size
    let block = try block(Int(number))
    let start = Int(range.lowerBound - number * size)
    return block[start..<min(block.count, Int(range.upperBound - number * size))]
  }

  /// The bytes that a range means; throws `.invalid` where it means none.
  func resolve(_ range: ByteRange?) throws(SDError) -> Range<Int64> {
    guard let range else { return 0..<description.size }
    guard let resolved = range.resolved(size: description.size) else {
      throw SDError(
        .invalid, "the object \(key.debugDescription) has \(description.size) bytes, none in the range asked for")
    }
    return resolved
  }
}
