import ImageCodecs
import ImageKit
public import SDCore

/// Makes pictures into other formats, takes metadata out of them, and makes small ones beside them.
///
/// PNG, JPEG and WebP are worked on; every other medium stays as it is. What is animated is not converted, and so is what
/// has the wanted format already. A picture in another format has no metadata: what engines write is in the manifest.
public struct PictureFinisher: OutputFinisher {
  /// What is looked at: as much as engines may make.
  private static let limits = ImageLimits(
    maxBytes: 512 << 20, maxPixels: 256 << 20, maxWidth: 32768, maxHeight: 32768)
  /// What is decoded: 64 megapixels are 256 MiB of memory for one picture at a time.
  private static let decoded = ImageLimits(
    maxBytes: 512 << 20, maxPixels: 64 << 20, maxWidth: 32768, maxHeight: 32768)
  private static let small = PictureEncoding.webp(quality: 80)

  /// A finisher.
  public init() {}

  @concurrent
  public func finish(_ result: InferenceResult, _ options: OutputOptions) async throws -> InferenceResult {
    var result = result
    for position in result.outputs.indices {
      try Task.checkCancellation()
      do throws(ImageError) {
        try Self.change(&result.outputs[position], options)
      } catch {
        throw Self.failure(error, number: position + 1)
      }
    }
    return result
  }

  private static func change(_ output: inout InferenceOutput, _ options: OutputOptions) throws(ImageError) {
    guard let format = MediaFormat.detect(output.bytes.span), format == .png || format == .jpeg || format == .webp
    else {
      return
    }
    let isStill = try !ImageInfo.verify(output.bytes.span, limits: limits).isAnimated
    if isStill, let side = options.thumbnail {
      let picture = try Bitmap(decoding: output.bytes.span, longestSide: side, limits: decoded)
      output.thumbnail = .init(
        bytes: try picture.encoded(as: small), contentType: small.format.mediaType,
        fileExtension: small.format.fileExtension, width: picture.width, height: picture.height)
    }
    if isStill, let encoding = options.encoding, encoding.format != format {
      output.bytes = try Bitmap(decoding: output.bytes.span, limits: decoded).encoded(as: encoding)[...]
      output.contentType = encoding.format.mediaType
      output.fileExtension = encoding.format.fileExtension
    } else if options.metadata == .strip, let bytes = try ImageMetadata.strip(from: output.bytes.span, limits: limits) {
      output.bytes = bytes[...]
    }
  }

  private static func failure(_ error: ImageError, number: Int) -> TaskError {
    let what = "picture \(number) cannot be stored as the task wants it: \(error.message)"
    switch error.code {
    case .outOfMemory: return TaskError(.internal, .deliver, what)
    case .overLimit, .unsupported, .invalidArgument: return TaskError(.outputInvalid, .deliver, what, retryable: false)
    default: return TaskError(.outputInvalid, .deliver, what)
    }
  }
}

extension OutputOptions {
  /// What the codecs are to write.
  fileprivate var encoding: PictureEncoding? {
    let quality = quality ?? Self.standardQuality
    return switch format {
    case .png: .png
    case .jpeg: .jpeg(quality: quality)
    case .webp: lossless == true ? .losslessWebP : .webp(quality: quality)
    case nil: nil
    }
  }
}
