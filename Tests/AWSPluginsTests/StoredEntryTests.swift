import AWSPlugins
import MemoryPlugins
import SDCore
import Testing

@Suite struct StoredEntryTests {
  @Test(arguments: [("\"format\":2", SDError.Code.unsupported), ("\"format\":0", .corrupt), ("\"former\":1", .corrupt)])
  func aRecordOfANewerProgramIsNotTakenForADamagedOne(format: String, code: SDError.Code) async throws {
    let store = MemorySystem().store("ledger")
    let ledger = ObjectTaskLedger(store: store)
    let request = try V1Door.decode(
      ["id": "t1", "runtime": "r", "type": "text-to-image", "content": ["prompt": "a lighthouse"]],
      now: Clocks.system.timestamp)
    let record = TaskRecord(request, run: 1, submission: "s", digest: "d", at: Clocks.system.timestamp)
    _ = try await ledger.create(record, request: Array("{}".utf8))
    let key = try #require(
      try await store.list(prefix: ".sd/", after: nil, limit: 10).objects.map(\.key).first { $0.contains("/t1/r") })
    let text = String(decoding: try await store.get(key).bytes, as: UTF8.self)
    #expect(text.contains("\"format\":1"))
    try await store.put(key, Array(text.replacing("\"format\":1", with: format).utf8))
    let error = await #expect(throws: SDError.self) { try await ledger.read(record.key) }
    #expect(error?.code == code)
  }
}
