import ImageKit
import SDCore

extension InferenceOutput {
  /// An output whose bytes have been looked at from beginning to end: type, extension and size are theirs.
  ///
  /// - Throws: `output_invalid` for what is no whole picture.
  static func verified(
    _ bytes: ArraySlice<UInt8>, role: TaskOutput.Role, seed: UInt64?, number: Int
  ) throws(TaskError) -> InferenceOutput {
    do {
      let info = try ImageInfo.verify(bytes.span, limits: .outputs)
      return InferenceOutput(
        bytes: bytes, role: role, contentType: info.format.mediaType, fileExtension: info.format.fileExtension,
        width: info.width, height: info.height, seed: seed)
    } catch {
      throw TaskError(
        .outputInvalid, .deliver, "picture \(number) of the engine's answer is unusable: \(error.message)")
    }
  }

  /// An output of any kind: a picture is looked through, other media are known by their first bytes, and what is neither
  /// keeps the ending of its name.
  static func media(
    _ bytes: ArraySlice<UInt8>, fileName: String, role: TaskOutput.Role, seed: UInt64?, number: Int
  ) throws(TaskError) -> InferenceOutput {
    guard !bytes.isEmpty else { throw TaskError(.outputInvalid, .deliver, "output \(number) of the engine is empty") }
    let ending = fileName.split(separator: ".").dropFirst().last.map { String($0.lowercased().prefix(8)) } ?? ""
    let isNamed = !ending.isEmpty && ending.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
    switch MediaFormat.detect(bytes.span) {
    case let format? where format.isImage:
      return try verified(bytes, role: role, seed: seed, number: number)
    case .plainText? where isNamed && ending != "txt": break
    case let format?:
      return InferenceOutput(
        bytes: bytes, role: role, contentType: format.mediaType, fileExtension: format.fileExtension, seed: seed)
    case nil: break
    }
    guard !["png", "jpg", "jpeg", "webp", "gif", "avif"].contains(ending) else {
      throw TaskError(.outputInvalid, .deliver, "output \(number) of the engine is called a picture and is none")
    }
    let type = ["json": "application/json", "glb": "model/gltf-binary"][ending]
    return InferenceOutput(
      bytes: bytes, role: role, contentType: type ?? "application/octet-stream",
      fileExtension: isNamed ? ".\(ending)" : ".bin", seed: seed)
  }

  /// A text that an engine made.
  static func text(_ text: String) -> InferenceOutput {
    InferenceOutput(
      bytes: Array(text.utf8)[...], role: .image, contentType: MediaFormat.plainText.mediaType, fileExtension: ".txt")
  }
}

extension ImageLimits {
  /// What an engine may make: more than it may be given.
  static let outputs = ImageLimits(maxBytes: 512 << 20, maxPixels: 256 << 20, maxWidth: 32768, maxHeight: 32768)
}
