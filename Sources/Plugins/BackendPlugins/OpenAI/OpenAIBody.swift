import ImageKit
import SDCore

/// A request in OpenAI's words: JSON for a new picture, a form with files for one made from others.
struct OpenAIBody {
  let bytes: [UInt8]

  /// - Throws: `engine_rejected` for what the dialect cannot say, `input_invalid` for images that are none.
  init(_ request: InferenceRequest) throws(TaskError) {
    guard request.content.object != nil else { throw Self.refused("the task's content is no object") }
    _ = try Self.route(of: request.type)
    guard request.content["prompt"]?.string?.isEmpty == false else { throw Self.refused("the task has no prompt") }
    var fields = try Self.fields(request)
    if request.type == .textToImage {
      bytes = JSONValue.object(fields).serialized()
      return
    }
    var form = MultipartForm()
    try Self.addImages(of: &fields, to: &form)
    for field in fields.members { form.add(field.name, field.value.string ?? field.value.text) }
    bytes = form.body()
  }

  /// The type of a body that was made here: a form begins with its boundary.
  static func contentType(of body: [UInt8]) -> String {
    guard body.starts(with: "--".utf8) else { return "application/json" }
    let boundary = String(decoding: body.dropFirst(2).prefix { $0 != 0x0D }, as: UTF8.self)
    return MultipartForm.contentType(boundary)
  }

  static func route(of type: TaskType) throws(TaskError) -> String {
    switch type {
    case .textToImage: "images/generations"
    case .imageToImage: "images/edits"
    default: throw refused("an OpenAI-style engine does no \(type.rawValue)")
    }
  }

  /// How many pictures a task's content asks for; 0 for what is no such number.
  static func pictures(of content: JSONValue) -> Int {
    if let count = content["n"], !count.isNull { return count.int ?? 0 }
    let (size, batches) = (content["batch_size"]?.int ?? 1, content["n_iter"]?.int ?? 1)
    let (count, overflows) = size.multipliedReportingOverflow(by: batches)
    return overflows || size < 1 || batches < 1 ? 0 : count
  }

  private static func refused(_ why: String) -> TaskError { TaskError(.engineRejected, .prepare, why) }

  /// What web UI clients say and this dialect cannot.
  private static let unknown = [
    "negative_prompt", "seed", "subseed", "steps", "cfg_scale", "sampler_name", "sampler_index", "scheduler",
    "denoising_strength", "override_settings", "alwayson_scripts", "script_name", "enable_hr", "styles",
    "restore_faces", "tiling", "mask_blur", "inpainting_fill",
  ]

  private static func fields(_ request: InferenceRequest) throws(TaskError) -> JSONObject {
    var fields = request.content.object ?? [:]
    for name in unknown {
      guard let value = fields[name] else { continue }
      let isUnset = name.hasSuffix("seed") ? value.seed == nil : value.saysNothing
      guard isUnset else {
        throw refused("OpenAI's image API has no \(name): leave it out, or use an engine with the web UI's API")
      }
      fields[name] = nil
    }
    let (width, height) = (fields["width"]?.int, fields["height"]?.int)
    if fields["size"] == nil, let width, let height { fields["size"] = .string("\(width)x\(height)") }
    if fields["n"] == nil {
      let count = pictures(of: request.content)
      guard count >= 1 else { throw refused("batch_size times n_iter is not a number of pictures") }
      if count > 1 { fields["n"] = .int(count) }
    }
    for name in ["width", "height", "batch_size", "n_iter", "send_images", "save_images"] { fields[name] = nil }
    if fields["model"] == nil, let model = request.model { fields["model"] = .string(model) }
    // The models of this name answer with URLs unless told otherwise; newer ones know no such field.
    if fields["model"]?.string?.hasPrefix("dall-e") == true, fields["response_format"] == nil {
      fields["response_format"] = "b64_json"
    }
    return fields
  }

  private static func addImages(of fields: inout JSONObject, to form: inout MultipartForm) throws(TaskError) {
    var images = fields["init_images"]?.array ?? []
    if images.isEmpty, let image = fields["image"] { images = image.array ?? [image] }
    guard !images.isEmpty else { throw refused("image-to-image needs init_images") }
    for (index, image) in images.enumerated() {
      try add(image, "init_images[\(index)]", as: "image[]", "image-\(index)", to: &form)
    }
    if let mask = fields["mask"], !mask.isNull { try add(mask, "mask", as: "mask", "mask", to: &form) }
    for name in ["init_images", "image", "mask"] { fields[name] = nil }
  }

  private static func add(
    _ image: JSONValue, _ place: String, as name: String, _ stem: String, to form: inout MultipartForm
  ) throws(TaskError) {
    guard let text = image.string, !text.isEmpty else {
      throw TaskError(.inputInvalid, .prepare, "\(place) is no base64 text")
    }
    let (bytes, info) = try EmbeddedImage.decode(text, name: place)
    form.add(name, fileName: stem + info.format.fileExtension, type: info.format.mediaType, bytes)
  }
}
