import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@Suite struct NoticesTests {
  private let store = MemorySystem().store("out")

  /// A record of a task that came by a door, ended.
  private func record(
    _ api: APIVersion, _ state: TaskState = .succeeded, outputs: Int = 1, context: JSONValue? = nil,
    error: TaskError? = nil
  ) -> TaskRecord {
    let request = TaskRequest(
      api: api, key: TaskKey(id: "307"), runtime: "sdruntime", type: .textToImage, folder: "p/307", context: context,
      content: [:], payload: [:])
    var record = TaskRecord(request, run: 1, submission: "s", digest: "d", at: Timestamp(milliseconds: 0))
    record.state = state
    record.error = error
    record.outputs = (0..<outputs).map { n in
      TaskOutput(
        key: "p/307/307-\(n + 1).png", role: n == 1 ? .extra : .image, contentType: "image/png", bytes: 1, sha256: "x",
        seed: UInt64(n + 7))
    }
    return record
  }

  private func body(_ record: TaskRecord, _ result: InferenceResult? = nil) throws -> JSONValue {
    let notice = Notices(record, store: store).end(result)
    let bytes = OutgoingMessage(body: Array(notice.body.utf8), attributes: notice.attributes).byteCount
    #expect(bytes <= Notice.maximumBytes)
    #expect(notice.attributes[Notice.idAttribute]?.text == "307/1/\(record.state.rawValue)")
    return try JSONValue(parsing: notice.body)
  }

  @Test("The reference's clients get the engine's echo with what it adds, and the same as .out")
  func reference() throws {
    let record = record(.v1alpha1, outputs: 3)
    let result = InferenceResult(outputs: [], parameters: ["prompt": "a dog", "steps": 16])
    let told = try body(record, result)
    #expect(
      told == [
        "images": [""],
        "parameters": [
          "prompt": "a dog", "steps": 16, "id_task": "307", "status": 1,
          "image_url": "s3://out/p/307/307-1.png,s3://out/p/307/307-3.png", "image_seed": "7,9", "error_msg": "",
          "image_mask_url": "s3://out/p/307/307-2.png",
        ], "info": "",
      ])
    #expect(try JSONValue(parsing: Notices(record, store: store).answer(result)) == told)
    let error = TaskError(.engineRejected, .infer, "no such sampler", reason: ["detail": "no"])
    #expect(
      try body(self.record(.v1alpha1, .failed, outputs: 0, error: error))["parameters"] == [
        "id_task": "307", "status": 0, "image_url": "", "image_seed": [], "error_msg": "no such sampler",
        "reason": ["detail": "no"], "image_mask_url": "",
      ])
  }

  @Test("The successor's clients get addresses and their context back", arguments: [APIVersion.v1alpha2, .legacy])
  func successor(api: APIVersion) throws {
    let context: JSONValue = ["user": 12_345_678_901_234_567]
    let record = record(api, context: context)
    #expect(
      try body(record) == [
        "runtime": "sdruntime", "id": "307", "result": true, "status": "completed",
        "image_url": ["s3://out/p/307/307-1.png"], "output_url": "s3://out/p/307/307.out", "context": context,
      ])
    let running = try #require(Notices(record, store: store).running())
    #expect(
      try JSONValue(parsing: running.body) == [
        "runtime": "sdruntime", "id": "307", "status": "running", "context": context,
      ])
    let failed = self.record(api, .failed, outputs: 0, error: TaskError(.engineFailed, .infer, "broken"))
    let told = try body(failed)
    #expect(told["result"] == false && told["status"] == "failed" && told["image_url"] == [])
    let answer = try JSONValue(parsing: Notices(failed, store: store).answer(nil))
    #expect(
      answer["parameters"] == ["id_task": "307", "status": 0, "error_msg": "broken", "reason": nil as JSONValue])
  }

  @Test("Our own clients get the successor's form, and state, run and error besides")
  func own() throws {
    let told = try body(record(.v1, .expired, outputs: 0, error: TaskError(.expired, .receive, "too late")))
    #expect(told["state"] == "expired" && told["run"] == 1 && told["status"] == "failed")
    #expect(told["error"] == ["code": "expired", "stage": "receive", "message": "too late"])
    #expect(Notices(record(.v1alpha1), store: store).running() == nil)
  }

  @Test(
    "A finished task can be announced whatever runtime it names",
    arguments: ["", "a\u{FFFF}", "a\u{1}", String(repeating: "é", count: 150_000)],
    [APIVersion.v1alpha1, .v1alpha2, .v1])
  func strangeRuntime(runtime: String, api: APIVersion) throws {
    var record = record(api)
    record.runtime = runtime
    let notice = Notices(record, store: store).end(nil)
    #expect(notice.attributes[TaskMessage.runtimeAttribute] == nil)
    #expect(OutgoingMessage(body: Array(notice.body.utf8), attributes: notice.attributes).byteCount <= 200 << 10)
    #expect(!notice.body.unicodeScalars.contains { $0.value == 0xFFFF || $0.value < 0x20 })
    #expect(try JSONValue(parsing: notice.body).object != nil)
  }

  @Test(
    "A finished task can be announced however much there is to tell, in its own form",
    arguments: [APIVersion.v1alpha1, .v1alpha2, .legacy, .v1])
  func large(api: APIVersion) throws {
    let large = JSONValue.string(String(repeating: "é", count: 150_000))
    // An echo that is too large goes, the rest stays.
    let echoed = try body(record(api), InferenceResult(outputs: [], parameters: ["big": large]))
    #expect(echoed["truncated"] == nil && echoed["parameters"]?["big"] == nil)
    // Thousands of pictures, a context, an engine's whole page as its reason: who and how is told all the same.
    var many = record(api, outputs: 9000)
    many.context = large
    let succeeded = try body(many)
    var told = api == .v1alpha1 ? succeeded["parameters"] : succeeded
    #expect(told?["truncated"] == true && (told?["id_task"] ?? told?["id"]) == "307")
    #expect(told?["status"] == (api == .v1alpha1 ? 1 : "completed"))
    let message = String(repeating: "x", count: 300_000)
    let error = TaskError(.engineFailed, .infer, message, reason: ["page": large])
    let failed = try body(record(api, .failed, outputs: 0, context: large, error: error))
    told = api == .v1alpha1 ? failed["parameters"] : failed
    #expect(told?["truncated"] == true && told?["status"] == (api == .v1alpha1 ? 0 : "failed"))
  }
}
