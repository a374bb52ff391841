import ImageKit
import SDCore

/// Images that stand in a request as base64.
enum EmbeddedImage {
  /// The bytes of one, checked to be a whole picture.
  ///
  /// - Throws: `input_invalid`.
  static func decode(_ text: String, name: String) throws(TaskError) -> (bytes: [UInt8], info: ImageInfo) {
    guard let bytes = Base64.decode(text) else {
      throw TaskError(.inputInvalid, .prepare, "\(name) is not base64")
    }
    do {
      return (bytes, try ImageInfo.verify(bytes.span))
    } catch {
      throw TaskError(.inputInvalid, .prepare, "\(name) is not a usable picture: \(error.message)")
    }
  }
}
