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
  /// What is decoded: 64 megapixels are 256 MiB of pixels, one picture at a time; for the rest see `memory`.
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

  /// One picture is worked on at a time. What it is made into is taken to be as large as it was.
  public func memory(for result: InferenceResult, _ options: OutputOptions) -> Int {
    var (largest, made) = (0, 0)
    for output in result.outputs {
      guard let info = try? ImageInfo.inspect(output.bytes.span, limits: Self.decoded) else { continue }
      let (pixels, hasAlpha) = (info.width * info.height, Self.mayHaveAlpha(output.bytes, info.format))
      var bytes = 0
      if let side = options.thumbnail {
        let small = Self.small.memory(pixels: min(pixels, side * side), hasAlpha: hasAlpha)
        bytes = pixels * Bitmap.decodingBytesPerPixel + small
      }
      if let encoding = options.encoding, encoding.format != info.format {
        let encoded = encoding.memory(pixels: pixels, hasAlpha: hasAlpha)
        bytes = max(bytes, pixels * Bitmap.decodingBytesPerPixel + encoded)
        made += output.bytes.count
      } else if options.metadata == .strip {
        made += output.bytes.count
      }
      largest = max(largest, bytes)
    }
    return largest + made
  }

  /// What engines write has none, in most cases: PNG of plain gray or RGB, JPEG, WebP's simplest form.
  private static func mayHaveAlpha(_ bytes: ArraySlice<UInt8>, _ format: MediaFormat) -> Bool {
    switch format {
    case .png: ![0, 2].contains(bytes.dropFirst(25).first)
    case .jpeg: false
    default: !bytes.dropFirst(12).starts(with: Array("VP8 ".utf8))
    }
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
