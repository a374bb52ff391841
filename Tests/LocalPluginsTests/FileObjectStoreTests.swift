import Glibc
import SDCore
import SDTestKit
import Testing

@testable import LocalPlugins

/// What the contract's suite does not ask of the store: damage, left-overs, links, addresses.
@Suite struct FileObjectStoreTests {
  private let directory: TemporaryDirectory
  private let recorder = LogRecorder()
  private let store: FileObjectStore
  private var root: String { directory.path + "/objects/local" }

  init() throws {
    directory = try TemporaryDirectory()
    store = try FileObjectStore(directory: directory.path, logger: recorder.logger)
  }

  // MARK: Damage

  @Test func aFlippedByteIsFoundByEveryReadThatMeetsItAndByNoOther() async throws {
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    try await store.put("a/big.bin", bytes)
    try await store.put("a/small.bin", [1, 2, 3])
    try rot(root + "/a/big.bin", at: 1_500_000)
    for range: ByteRange? in [nil, .bounded(1_500_000, 1_500_000), .from(1_100_000)] {
      let error = await #expect(throws: SDError.self) { try await store.get("a/big.bin", range: range, limit: 1 << 30) }
      #expect(error?.code == .corrupt)
      #expect(error?.message.contains("a/big.bin") ?? false)
    }
    #expect(try await store.get("a/big.bin", range: .bounded(0, 99), limit: 100).bytes == Array(bytes[0..<100]))
    #expect(try await store.get("a/small.bin").bytes == [1, 2, 3])
    let stream = try await store.stream("a/big.bin", range: nil)
    #expect(try await stream.next()?.elementsEqual(bytes[0..<(1 << 20)]) == true, "sound blocks come first")
    let error = await #expect(throws: SDError.self) { try await stream.next() }
    #expect(error?.code == .corrupt)
  }

  /// Flips a bit as a failing disk does: without a trace in the file's times.
  private func rot(_ path: String, at offset: Int64) throws {
    var status = stat()
    #expect(stat(path, &status) == 0)
    try flip(path, at: offset)
    var times = [status.st_atim, status.st_mtim]
    #expect(utimensat(AT_FDCWD, path, &times, 0) == 0)
  }

  @Test func aFileThatSomebodyWroteToIsCorruptAsAWhole() async throws {
    try await store.put("k.bin", [UInt8](repeating: 7, count: 3_000_000))
    try flip(root + "/k.bin", at: 2_999_999)
    let error = await #expect(throws: SDError.self) { try await store.get("k.bin", range: .bounded(0, 9), limit: 10) }
    #expect(error?.code == .corrupt)
  }

  @Test func aCutFileIsCorruptAndCanBeReplaced() async throws {
    try await store.put("k.png", [UInt8](repeating: 7, count: 1000))
    #expect(truncate(root + "/k.png", 999) == 0)
    for _ in 0..<2 {
      let error = await #expect(throws: SDError.self) { try await store.get("k.png") }
      #expect(error?.code == .corrupt)
    }
    let refused = await #expect(throws: SDError.self) {
      try await store.put("k.png", [1], options: .init(condition: .ifMatch("any")))
    }
    #expect(refused?.code == .corrupt)
    try await store.put("k.png", [1])
    #expect(try await store.get("k.png").bytes == [1])
  }

  @Test func aDamagedOrMissingDescriptionIsMadeAnewAndSaidLoudly() async throws {
    for (number, damage) in ["flipped", "removed", "emptied"].enumerated() {
      let key = "k\(number).png"
      try await store.put(key, [1, 2, 3], options: .init(contentType: "image/png"))
      switch damage {
      case "flipped": try flip("\(root)/.\(key)", at: 20)
      case "removed": #expect(unlink("\(root)/.\(key)") == 0)
      default: #expect(truncate("\(root)/.\(key)", 0) == 0)
      }
      let object = try await store.get(key)
      #expect(object.bytes == [1, 2, 3])
      #expect(recorder.errors.count == number + 1)
      #expect(try await store.head(key).etag == object.info.etag, "described once, not at every read")
      #expect(recorder.errors.count == number + 1)
    }
  }

  @Test func aRestoredCopyKeepsTypeAndMetadata() async throws {
    let put = try await store.put(
      "a/k.png", [1, 2, 3], options: .init(contentType: "image/png", metadata: ["seed": "1"]))
    let copy = try TemporaryDirectory()
    try Files.makeDirectories(copy.path + "/objects/local/a")
    for name in ["a/k.png", "a/.k.png"] {
      try Files.copy(
        Descriptor.open(path: "\(root)/\(name)", flags: O_RDONLY), to: "\(copy.path)/objects/local/\(name)")
    }
    let restored = try FileObjectStore(directory: copy.path, logger: recorder.logger)
    let info = try await restored.head("a/k.png")
    #expect(info == put)
    #expect(recorder.errors == [])
  }

  @Test func aPutThatDiedBeforeItsRenameChangesNothing() async throws {
    let first = try await store.put("k.png", [1, 2, 3], options: .init(contentType: "image/png"))
    // What is there after the description was written and before the bytes were renamed.
    let sidecar = try #require(
      ObjectSidecar(parsing: Descriptor.open(path: root + "/.k.png", flags: O_RDONLY).read(at: 0, count: 10_000)))
    var coming = sidecar.descriptions[0]
    (coming.etag, coming.size, coming.inode, coming.contentType) = ("coming", 4, 1, "text/plain")
    let both = ObjectSidecar([coming] + sidecar.descriptions)
    try Descriptor.open(path: root + "/.k.png", flags: O_WRONLY | O_TRUNC).write(both.serialized())
    let object = try await store.get("k.png")
    #expect(object.bytes == [1, 2, 3])
    #expect(object.info == first)
    try await store.put("k.png", [4], options: .init(condition: .ifMatch(first.etag)))
  }

  @Test func leftOversOfTheDeadAreRemovedAndThoseOfTheLivingAreNot() throws {
    let temporary = root + "/.tmp"
    // The lock of one goes with its writer, as it does when that is killed; the other is being written.
    _ = try Descriptor.open(path: "\(temporary)/dead", flags: O_WRONLY | O_CREAT).tryLock(exclusive: true)
    let living = try Descriptor.open(path: "\(temporary)/living", flags: O_WRONLY | O_CREAT)
    #expect(living.tryLock(exclusive: true))
    _ = try FileObjectStore(directory: directory.path, logger: silent)
    #expect(try Descriptor.open(path: temporary, flags: O_RDONLY | O_DIRECTORY).names().map(\.name) == ["living"])
    withExtendedLifetime(living) {}
  }

  @Test func aFileThatIsBeingWrittenIsLeftAloneByThoseWhoOpenTheStore() async throws {
    let pipe = directory.path + "/slow"
    #expect(mkfifo(pipe, 0o600) == 0)
    let temporary = root + "/.tmp"
    // A put from a pipe waits for whoever fills it.
    let put = Task { [store] in try await store.put("k.bin", .file(path: pipe), options: .init()) }
    try await eventually("the put to have begun") {
      try !Descriptor.open(path: temporary, flags: O_RDONLY | O_DIRECTORY).names().isEmpty
    }
    _ = try FileObjectStore(directory: directory.path, logger: silent)
    #expect(try Descriptor.open(path: temporary, flags: O_RDONLY | O_DIRECTORY).names().count == 1)
    // It cannot be read at a place, so that the put fails; it takes its file with it all the same.
    _ = try Descriptor.open(path: pipe, flags: O_WRONLY)
    await #expect(throws: SDError.self) { try await put.value }
    #expect(try Descriptor.open(path: temporary, flags: O_RDONLY | O_DIRECTORY).names().isEmpty)
  }

  @Test func nothingIsLeftBehindByPutsAndDeletes() async throws {
    for key in ["a/b/c.png", "a/b/d", "e"] { try await store.put(key, [1]) }
    await #expect(throws: SDError.self) { try await store.put("a/x/y", [1], options: .init(condition: .ifMatch("no"))) }
    await #expect(throws: SDError.self) { try await store.put("z/z", .file(path: "/nonexistent"), options: .init()) }
    try await store.delete(["a/b/c.png", "a/b/d", "e"])
    #expect(
      Set(try Descriptor.open(path: root, flags: O_RDONLY | O_DIRECTORY).names().map(\.name)) == [".tmp", ".locks"])
    #expect(try Descriptor.open(path: root + "/.tmp", flags: O_RDONLY | O_DIRECTORY).names().isEmpty)
  }

  // MARK: Links

  @Test func plantedLinksAreNeverFollowed() async throws {
    let outside = try TemporaryDirectory()
    try Descriptor.open(path: outside.path + "/secret.txt", flags: O_WRONLY | O_CREAT).write(Array("secret".utf8))
    #expect(symlink(outside.path, root + "/folder") == 0)
    #expect(symlink(outside.path + "/secret.txt", root + "/file.txt") == 0)
    #expect(symlink(outside.path + "/made.txt", root + "/dangling.txt") == 0)
    for key in ["folder/secret.txt", "file.txt", "dangling.txt"] {
      let read = await #expect(throws: SDError.self) { try await store.get(key) }
      #expect(read?.code == .denied)
    }
    let write = await #expect(throws: SDError.self) { try await store.put("folder/made.txt", [1]) }
    #expect(write?.code == .denied)
    // A link where an object's bytes belong is replaced, not written through.
    _ = try? await store.put("file.txt", [1])
    _ = try? await store.put("dangling.txt", [1])
    try await store.delete(["file.txt", "folder/secret.txt"].filter { !$0.hasPrefix("folder") })
    let names = try Descriptor.open(path: outside.path, flags: O_RDONLY | O_DIRECTORY).names().map(\.name)
    #expect(names == ["secret.txt"])
    #expect(
      try Descriptor.open(path: outside.path + "/secret.txt", flags: O_RDONLY).read(at: 0, count: 10)
        == Array("secret".utf8))
    #expect(try await store.list(prefix: "", after: nil, limit: 10).objects.allSatisfy { !$0.key.hasPrefix("folder") })
  }

  // MARK: Names

  @Test func keysAndPathsAreOneToOneAndFitIntoNames() throws {
    var generator = SeededGenerator(seed: 42)
    let alphabet: [[UInt8]] = [
      Array("a".utf8), Array("B".utf8), Array(".".utf8), Array("/".utf8), Array("%".utf8), Array("é".utf8),
      Array("🏮".utf8),
      [0], Array("_".utf8), Array("+".utf8), Array(" ".utf8), Array("-1".utf8), Array("%2E".utf8), Array("..".utf8),
    ]
    var seen: [String: [UInt8]] = [:]
    for round in 0..<4000 {
      let length =
        round % 10 == 0 ? Int.random(in: 200...1000, using: &generator) : Int.random(in: 1...12, using: &generator)
      var bytes: [UInt8] = []
      // Mostly one letter in long ones, so that segments outgrow a name.
      while bytes.count < length {
        let next =
          length > 100 && Int.random(in: 0..<50, using: &generator) > 0
          ? alphabet[round / 10 % 2 * 5] : alphabet.randomElement(using: &generator)!
        bytes += next
      }
      let key = String(decoding: bytes.prefix(1024), as: UTF8.self)
      let path = ObjectPath(key: key)
      for name in path.folders + [path.name, path.sidecar] {
        #expect((1...255).contains(name.utf8.count) && name != "." && name != ".." && !name.utf8.contains(0))
        #expect(!name.contains("/"))
      }
      #expect((path.folders + [path.name]).allSatisfy { !$0.hasPrefix(".") })
      let whole = (path.folders + [path.name]).joined(separator: "/")
      #expect(seen[whole] == nil || seen[whole] == Array(key.utf8), "two keys at \(whole)")
      seen[whole] = Array(key.utf8)
      #expect(decode(path) == Array(key.utf8))
    }
  }

  @Test func namesThatNoKeyLeadsToAreNotListed() async throws {
    for name in ["plain", "a%", "x%zz.png", "%2e.png", "%.png", "a%2", "%41.png"] {
      _ = try Descriptor.open(path: "\(root)/\(name)", flags: O_WRONLY | O_CREAT)
    }
    for name in ["v1.5", "a%41"] { try Files.makeDirectories("\(root)/\(name)/x") }
    #expect(try await store.list(prefix: "", after: nil, limit: 100).objects.map(\.key) == ["a"])
  }

  private func decode(_ path: ObjectPath) -> [UInt8]? {
    var (key, pieces): ([UInt8], [String]) = ([], [])
    for folder in path.folders {
      switch ObjectPath.meaning(of: folder, isFolder: true, after: pieces) {
      case .continuation(let more): pieces = more
      case .folder(let segment): (key, pieces) = (key + segment + [UInt8(ascii: "/")], [])
      default: return nil
      }
    }
    guard case .object(let segment) = ObjectPath.meaning(of: path.name, isFolder: false, after: pieces) else {
      return nil
    }
    return key + segment
  }

  // MARK: Presigned addresses

  @Test func aPresignedAddressOpensOneDoorForAWhile() async throws {
    let clock = ManualClock()
    func gateway() throws -> FileObjectStore {
      try FileObjectStore(
        directory: directory.path, publicURL: "http://127.0.0.1:8811/files/", clocks: clock.clocks, logger: silent)
    }
    let (store, other) = (try gateway(), try gateway())
    let key = "a/ü b?.png"
    let url = try await store.presign(key, .get, expires: .seconds(60))
    #expect(url.hasPrefix("http://127.0.0.1:8811/files/local/a%2F%C3%BC%20b%3F.png?access=GET&expires="))
    let query = Dictionary(
      uniqueKeysWithValues: url.split(separator: "?")[1].split(separator: "&").map { pair in
        let parts = pair.split(separator: "=")
        return (String(parts[0]), String(parts[1]))
      })
    let (expires, signature) = (try #require(query["expires"]), try #require(query["signature"]))
    let judge = try #require(other.presignedAccess)
    try judge.verify(key, .get, expires: expires, signature: signature)
    for (key, access, expires, signature) in [
      ("a/other.png", .get, expires, signature), (key, PresignedAccess.put, expires, signature),
      (key, .get, "\((Int(expires) ?? 0) + 1)", signature), (key, .get, expires, String(signature.reversed())),
      (key, .get, expires, ""),
      (key, .get, "", signature),
    ] {
      let error = #expect(throws: SDError.self) {
        try judge.verify(key, access, expires: expires, signature: signature)
      }
      #expect(error?.code == .denied)
    }
    clock.advance(by: .seconds(61))
    #expect(throws: SDError.self) { try judge.verify(key, .get, expires: expires, signature: signature) }

    var status = stat()
    #expect(stat(directory.path + "/presign.key", &status) == 0 && status.st_mode & 0o777 == 0o600)
    let error = await #expect(throws: SDError.self) { try await self.store.presign(key, .get, expires: .seconds(60)) }
    #expect(error?.code == .unsupported)
    #expect(self.store.presignedAccess == nil)
  }

  @Test func anAddressLeadsToTheFile() async throws {
    try await store.put("v1.5/é.png", [1, 2])
    let uri = store.uri(of: "v1.5/é.png")
    #expect(uri == "file://\(root)/v1.5%25/%25C3%25A9.png")
    #expect(try Files.size("\(root)/v1.5%/%C3%A9.png") == 2)
  }
}

/// Numbers that are the same in every run.
private struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}
