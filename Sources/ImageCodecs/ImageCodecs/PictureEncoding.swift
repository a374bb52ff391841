import CImageCodecs
public import ImageKit

/// What pixels are written as.
public enum PictureEncoding: Sendable, Hashable {
  /// PNG: every pixel as it is.
  case png
  /// JPEG of a quality of 1 to 100; what is behind a transparent pixel is white.
  case jpeg(quality: Int)
  /// WebP of a quality of 1 to 100.
  case webp(quality: Int)
  /// WebP, every pixel as it is.
  case losslessWebP

  /// The format that comes of it.
  public var format: MediaFormat {
    switch self {
    case .png: .png
    case .jpeg: .jpeg
    case .webp, .losslessWebP: .webp
    }
  }

  /// Bytes of memory that `Bitmap.encoded(as:)` takes at most, with the file that comes of it.
  ///
  /// Measured on noise, the worst there is. JPEG keeps every coefficient, since its tables are made for the picture. WebP
  /// without loss, and the alpha of one with, is searched as a whole; the rest of a large one is not.
  ///
  /// - Parameters:
  ///   - pixels: width times height.
  ///   - hasAlpha: whether any pixel may let something through.
  public func memory(pixels: Int, hasAlpha: Bool) -> Int {
    switch self {
    case .png: pixels * 8
    case .jpeg: pixels * 10
    case .webp where !hasAlpha: pixels * (pixels > Int(IC_LARGE_PICTURE) ? 8 : 32)
    case .webp, .losslessWebP: pixels * 42
    }
  }
}

extension Bitmap {
  /// The file of a picture.
  ///
  /// - Throws: `ImageError`: `.invalidArgument` for a quality out of range, `.unsupported` for sides beyond the format's
  ///   limit (65,535 in JPEG, 16,383 in WebP), `.outOfMemory`.
  public func encoded(as encoding: PictureEncoding) throws(ImageError) -> [UInt8] {
    let (format, quality, longest): (ic_format, Int, Int) =
      switch encoding {
      case .png: (.png, 1, 65535)
      case .jpeg(let quality): (.jpeg, quality, 65535)
      case .webp(let quality): (.webp, quality, 16383)
      case .losslessWebP: (.webp, 1, 16383)
      }
    guard (1...100).contains(quality) else { throw ImageError(.invalidArgument, "a quality of \(quality)") }
    guard width <= longest, height <= longest else {
      throw ImageError(
        .unsupported, "\(encoding.format.mediaType) of \(width)x\(height): sides go up to \(longest) pixels")
    }
    var message = ic_message()
    var buffer = ic_buffer()
    defer { ic_buffer_free(&buffer) }
    let status = pixels.withUnsafeBufferPointer { pixels in
      ic_encode(
        format, pixels.baseAddress, UInt32(width), UInt32(height), hasAlpha,
        encoding == .losslessWebP ? 0 : Int32(quality), &buffer, &message)
    }
    if let error = ImageError(status, message, "encoding \(encoding.format.mediaType)") { throw error }
    return Array(UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
  }
}
