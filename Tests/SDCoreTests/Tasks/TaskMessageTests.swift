import SDCore
import Testing

@Suite struct TaskMessageTests {
  private func decode(_ text: String) throws -> TaskRequest { try TaskMessage.decode(Array(text.utf8)) }

  @Test("The reference's payload is read as its agent reads it, and kept digit for digit")
  func reference() throws {
    let text = """
      {"alwayson_scripts":{"task":"image-to-image","id_task":307,"sd_model_checkpoint":"m.safetensors","uid":"4",\
      "image_link":"https://a/x.png, https://a/y.png","sd_vae":"v","override_settings":{"a":1},\
      "controlnet":{"args":[{"image_link":"https://a/z.png","weight":1.10}]},"other":{"args":[1e999]}},\
      "prompt":"A dog","cfg_scale":7.50,"sdname":"sdruntime-jobAddon","s3_output_path":"out/outputs/307"}
      """
    let task = try decode(text)
    #expect(task.api == .v1alpha1 && task.key.id == "307" && task.type == .imageToImage)
    #expect(task.runtime == "sdruntime-job" && task.model == "m.safetensors" && task.folder == "outputs/307")
    #expect(task.payload.text == text)
    #expect(
      task.content.text == """
        {"alwayson_scripts":{"controlnet":{"args":[{"weight":1.10,"input_image":"https://a/z.png"}]},\
        "other":{"args":[1e999]}},"prompt":"A dog","cfg_scale":7.50,\
        "init_images":["https://a/x.png","https://a/y.png"],"override_settings":{"a":1,"sd_vae":"v"}}
        """)
  }

  @Test("The successor's message is read as its agent reads it, members of others' making included")
  func successor() throws {
    let text = """
      {"metadata":{"id":"a","runtime":"r","tasktype":"pipeline","prefix":"x/y/","context":{"n":1.0},"theirs":1},\
      "content":{"1":{"class_type":"LoadImage","inputs":{"image":"s3://b/k"}}}}
      """
    let task = try decode(text)
    #expect(task.api == .v1alpha2 && task.type == .pipeline && task.runtime == "r" && task.folder == "x/y/a")
    #expect(task.context?.text == #"{"n":1.0}"# && task.payload.text == text)
    let legacy = try decode(
      """
      {"metadata":{"id":"a","runtime":"legacy","tasktype":"text-to-image","prefix":"","context":{}},\
      "content":{"alwayson_scripts":{"sd_model_checkpoint":"m","task":"text-to-image","id_task":"a"},"prompt":"p"}}
      """)
    #expect(legacy.api == .legacy && legacy.runtime == nil && legacy.model == "m" && legacy.folder == "a")
    #expect(legacy.content.text == #"{"alwayson_scripts":{},"prompt":"p"}"#)
  }

  @Test("Our own tasks travel with all that v1 can ask for")
  func own() throws {
    let body: JSONValue = [
      "id": "a", "runtime": "r", "model": "m", "type": "extra-single-image", "prefix": "p", "context": [1, nil],
      "content": ["image": "https://a/x.png"], "priority": "normal", "expires_in": 60,
      "webhook": ["url": "https://a/hook", "when_running": true], "outputs": ["format": "webp", "thumbnail": 64],
    ]
    let sent = try V1Door.decode(body, now: Timestamp(milliseconds: 1_767_225_600_000))
    let came = try TaskMessage.decode(sent.payload.serialized())
    #expect(came == sent)
    #expect(came.options.expiresAt == Timestamp(milliseconds: 1_767_225_660_000))
    #expect(came.options.webhook?.whenRunning == true && came.folder == "p/a")
  }

  @Test("Asking for the same is the same, whenever and in whatever order it is said")
  func digests() throws {
    func digest(_ expiresIn: Int, at time: Int64, prompt: String = "a") throws -> String {
      let body: JSONValue = [
        "id": "a", "runtime": "r", "type": "text-to-image", "content": ["prompt": .string(prompt)],
        "expires_in": .int(expiresIn),
      ]
      return TaskMessage.digest(try V1Door.decode(body, now: Timestamp(milliseconds: time)).payload)
    }
    #expect(try digest(60, at: 0) == digest(60, at: 5000))
    #expect(try digest(60, at: 0) != digest(61, at: 0))
    #expect(try digest(60, at: 0) != digest(60, at: 0, prompt: "b"))
    #expect(TaskMessage.digest(["a": 1, "b": 2]) == TaskMessage.digest(["b": 2, "a": 1, "s3_output_path": "x"]))
  }

  @Test(
    "What is no task is refused, and says why",
    arguments: [
      ("", "not JSON"), ("null", "not an object"), ("[]", "not an object"), ("{}", "neither metadata nor"),
      (#"{"metadata":1}"#, "metadata is no object"), (#"{"metadata":{"id":"../x"}}"#, "metadata.id"),
      (#"{"metadata":{"id":"a\u0000"}}"#, "metadata.id"),
      (#"{"metadata":{"id":"a","tasktype":"video"},"content":{}}"#, "video"),
      (#"{"metadata":{"id":"a","tasktype":"text-to-image"}}"#, "content"),
      (#"{"metadata":{"id":"a","tasktype":"text-to-image","prefix":".sd"},"content":{}}"#, "prefix"),
      (#"{"alwayson_scripts":{}}"#, "id_task"),
      (#"{"alwayson_scripts":{"id_task":1.5,"task":"text-to-image"}}"#, "id_task"),
      (#"{"alwayson_scripts":{"id_task":"a","task":"text-to-image"},"s3_output_path":"b/../x"}"#, "s3_output_path"),
      (#"{"alwayson_scripts":{"id_task":"a","task":"text-to-image"},"s3_output_path":"b/"}"#, "s3_output_path"),
      (
        #"{"metadata":{"id":"a","tasktype":"text-to-image","api":"v1","expires_at":"soon"},"content":{}}"#, "expires_at"
      ),
    ])
  func refused(text: String, part: String) throws {
    let problem = #expect(throws: RequestProblem.self) { try decode(text) }
    #expect(problem?.detail.contains(part) == true, "\(problem?.detail ?? "")")
  }
}
