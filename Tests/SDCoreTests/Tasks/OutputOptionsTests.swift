import SDCore
import Testing

@Suite("How pictures are to be stored")
struct OutputOptionsTests {
  private func task(_ outputs: JSONValue) -> JSONValue {
    ["runtime": "sdruntime", "type": "text-to-image", "content": ["prompt": "x"], "outputs": outputs]
  }

  @Test("comes with a v1 task, travels with it, and counts as a part of what was asked for")
  func travels() throws {
    let wanted: JSONValue = ["format": "webp", "quality": 80, "metadata": "strip", "thumbnail": 256]
    let request = try V1Door.decode(task(wanted), now: Timestamp(milliseconds: 0))
    let options = OutputOptions(format: .webp, quality: 80, metadata: .strip, thumbnail: 256)
    #expect(request.options.outputs == options && options.json == wanted)
    let arrived = try TaskMessage.decode(request.payload.serialized())
    #expect(arrived.options.outputs == options)
    let plain = try V1Door.decode(task([:]), now: Timestamp(milliseconds: 0))
    #expect(TaskMessage.digest(plain.payload) != TaskMessage.digest(request.payload))
  }

  @Test("is nothing that the older APIs know")
  func older() throws {
    let message: JSONValue = [
      "metadata": ["id": "1", "runtime": "r", "tasktype": "text-to-image", "outputs": ["format": "webp"]],
      "content": [:],
    ]
    #expect(try TaskMessage.decode(message.serialized()).options.outputs == nil)
  }

  @Test(
    "is refused with the field that is wrong",
    arguments: [
      ("[]", "/outputs"), (#"{"format":"gif"}"#, "/outputs/format"),
      (#"{"quality":0,"format":"jpeg"}"#, "/outputs/quality"),
      (#"{"quality":50}"#, "/outputs/quality"), (#"{"quality":50,"format":"png"}"#, "/outputs/quality"),
      (#"{"quality":50,"format":"webp","lossless":true}"#, "/outputs/quality"),
      (#"{"lossless":true,"format":"jpeg"}"#, "/outputs/lossless"), (#"{"lossless":1}"#, "/outputs/lossless"),
      (#"{"metadata":"some"}"#, "/outputs/metadata"), (#"{"thumbnail":8}"#, "/outputs/thumbnail"),
      (#"{"thumbnail":"256"}"#, "/outputs/thumbnail"), (#"{"size":3}"#, "/outputs/size"),
    ])
  func refused(text: String, pointer: String) throws {
    let outputs = try JSONValue(parsing: Array(text.utf8))
    let problem = #expect(throws: RequestProblem.self) {
      try V1Door.decode(task(outputs), now: Timestamp(milliseconds: 0))
    }
    #expect(problem?.fields.map(\.pointer).contains(pointer) == true)
  }

  @Test("is filled from what the worker does as a rule")
  func filled() {
    let rule = OutputOptions(format: .jpeg, quality: 70, metadata: .strip, thumbnail: 64)
    #expect(OutputOptions().filled(from: rule) == rule)
    let own = OutputOptions(format: .webp, metadata: .keep).filled(from: rule)
    #expect(own == OutputOptions(format: .webp, metadata: .keep, thumbnail: 64))
    #expect(OutputOptions(metadata: .keep).changesNothing && !OutputOptions(thumbnail: 64).changesNothing)
  }
}
