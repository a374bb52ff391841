import SDCore

/// The images that stand in a request: not every engine looks at them before it works, or says so if it cannot read one.
struct WebUIInputs {
  private let content: JSONValue

  init(_ content: JSONValue) { self.content = content }

  /// Checks what txt2img and img2img are given.
  ///
  /// - Throws: `engine_rejected`, `input_invalid`.
  func check(_ type: TaskType) throws(TaskError) {
    if type == .imageToImage {
      guard let images = content["init_images"]?.array, !images.isEmpty else {
        throw TaskError(
          .engineRejected, .prepare, "image-to-image needs init_images", reason: ["detail": "Init image not found"])
      }
      for (index, image) in images.enumerated() { try Self.check(image, "init_images[\(index)]") }
      if let mask = content["mask"], !mask.isNull { try Self.check(mask, "mask") }
    }
    for script in content["alwayson_scripts"]?.object?.members ?? [] where script.name.lowercased() == "controlnet" {
      for (index, unit) in (script.value["args"]?.array ?? []).enumerated() {
        try check(unit: unit, "alwayson_scripts.\(script.name).args[\(index)]")
      }
    }
  }

  /// Checks what the extras are given.
  func checkExtras(_ type: TaskType) throws(TaskError) {
    if type == .extraSingleImage { return try Self.check(content["image"] ?? .null, "image") }
    guard let images = content["imageList"]?.array, !images.isEmpty else {
      throw TaskError(.engineRejected, .prepare, "extra-batch-images needs an imageList")
    }
    for (index, image) in images.enumerated() { try Self.check(image["data"] ?? .null, "imageList[\(index)].data") }
  }

  /// A ControlNet unit's images: texts, or objects of image and mask. A unit may do without.
  private func check(unit: JSONValue, _ name: String) throws(TaskError) {
    for member in ["input_image", "image", "mask"] {
      switch unit[member] {
      case .string(let text) where !text.isEmpty: _ = try EmbeddedImage.decode(text, name: "\(name).\(member)")
      case .object(let object):
        for part in ["image", "mask"] {
          guard let text = object[part]?.string, !text.isEmpty else { continue }
          _ = try EmbeddedImage.decode(text, name: "\(name).\(member).\(part)")
        }
      default: break
      }
    }
  }

  private static func check(_ image: JSONValue, _ name: String) throws(TaskError) {
    guard let text = image.string, !text.isEmpty else {
      throw TaskError(.inputInvalid, .prepare, "\(name) is no base64 text")
    }
    _ = try EmbeddedImage.decode(text, name: name)
  }
}
