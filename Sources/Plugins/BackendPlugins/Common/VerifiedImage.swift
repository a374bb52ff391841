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
}

extension ImageLimits {
  /// What an engine may make: more than it may be given.
  static let outputs = ImageLimits(maxBytes: 512 << 20, maxPixels: 256 << 20, maxWidth: 32768, maxHeight: 32768)
}
