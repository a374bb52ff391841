import CSyncCount
import SDCore
import Testing

@testable import LocalPlugins

/// What a returned write survives is told by which files were synced before it returned.
@Suite struct SyncTests {
  /// How often the file is synced while something is done.
  private func syncs(_ path: String, _ body: () async throws -> Void) async throws -> Int {
    let before = sync_count(path)
    try await body()
    return sync_count(path) - before
  }

  @Test func aReturnedWriteIsOnTheDiskAndAReceiveNeedNotBe() async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database(durability: .durable)
    let log = directory.path + "/state.sqlite-wal"
    let queue = LocalQueue("q", in: database)
    _ = try await queue.stats()
    for _ in 0..<3 {
      #expect(try await syncs(log) { try await queue.send(OutgoingMessage(body: [0x31])) } > 0)
      var leases: [Lease] = []
      let received = try await syncs(log) { leases = try await queue.receive(max: 1, wait: .zero, visibility: nil) }
      #expect(received == 0 && leases.count == 1)
      #expect(try await syncs(log) { _ = try await queue.extend(leases, visibility: .seconds(60)) } == 0)
      #expect(try await syncs(log) { _ = try await queue.abandon(leases, after: .zero) } > 0)
      leases = try await queue.receive(max: 1, wait: .zero, visibility: nil)
      #expect(try await syncs(log) { _ = try await queue.complete(leases) } > 0)
    }
    let topic = LocalTopic("t", in: database)
    try await topic.subscribe(.init(queue: "q"))
    #expect(try await syncs(log) { try await topic.publish(Publication(body: [0x31])) } > 0)
    let letters = try await queue.receive(max: 1, wait: .zero, visibility: nil)
    let reason = DeadLetterReason(code: "poison", message: "")
    #expect(try await syncs(log) { _ = try await queue.deadLetter(letters, reason: reason) } > 0)
  }

  @Test func aReturnedRecordIsOnTheDisk() async throws {
    let directory = try TemporaryDirectory()
    let ledger = LocalTaskLedger(in: try directory.database(durability: .durable))
    let log = directory.path + "/state.sqlite-wal"
    let request = TaskRequest(
      api: .v1, key: TaskKey(id: "t1"), runtime: "r", type: .textToImage, folder: "t1", content: [:], payload: [:])
    let record = TaskRecord(request, run: 1, submission: "s", digest: "d", at: Timestamp(milliseconds: 0))
    #expect(try await syncs(log) { _ = try await ledger.create(record, request: []) } > 0)
    let entry = try #require(try await ledger.read(record.key))
    #expect(try await syncs(log) { _ = try await ledger.update(entry) } > 0)
  }

  @Test func relaxedWritesWaitForNoDisk() async throws {
    let directory = try TemporaryDirectory()
    let queue = LocalQueue("q", in: try directory.database(durability: .relaxed))
    _ = try await queue.stats()
    let log = directory.path + "/state.sqlite-wal"
    #expect(try await syncs(log) { for _ in 0..<5 { try await queue.send(OutgoingMessage(body: [0x31])) } } == 0)
  }

  @Test func aReturnedObjectIsOnTheDiskWithItsNameAndItsDescription() async throws {
    let directory = try TemporaryDirectory()
    let store = try FileObjectStore(directory: directory.path, bucket: "b")
    let root = directory.path + "/objects/b"
    try await store.put("x/y/first.bin", [0])
    #expect(sync_count(root) > 0 && sync_count(root + "/x") > 0, "the folders' own names")
    for (count, body) in [[UInt8]("one".utf8), [UInt8]("another".utf8)].enumerated() {
      let folder = try await syncs(root + "/x/y") { try await store.put("x/y/k.bin", body) }
      // Over another one the description comes to the disk under its name first.
      #expect(folder > count)
      #expect(is_synced(root + "/x/y/k.bin") == 1 && is_synced(root + "/x/y/.k.bin") == 1)
    }
    #expect(try await syncs(root + "/x/y") { try await store.delete(["x/y/k.bin"]) } > 0)
  }
}
