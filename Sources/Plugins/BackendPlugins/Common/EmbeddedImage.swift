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

  /// A picture of an unfinished state, with its media type; `nil` for what is no small picture.
  static func preview(_ text: String) -> (bytes: [UInt8], type: String)? {
    guard text.utf8.count <= maximumPreview / 3 * 4, let bytes = Base64.decode(text) else { return nil }
    return preview(bytes)
  }

  /// The same of bytes as they are.
  static func preview(_ bytes: [UInt8]) -> (bytes: [UInt8], type: String)? {
    guard bytes.count <= maximumPreview, let format = MediaFormat.detect(bytes.span), format.isImage else { return nil }
    return (bytes, format.mediaType)
  }

  /// It is written to the ledger every two seconds.
  private static let maximumPreview = 1 << 20
}
