/// The bounds within which pictures are looked at; checked before anything is inflated.
public struct ImageLimits: Sendable, Hashable {
  /// The largest file, in bytes.
  public var maxBytes: Int
  /// The largest picture, width times height.
  public var maxPixels: Int
  /// The largest width, in pixels.
  public var maxWidth: Int
  /// The largest height, in pixels.
  public var maxHeight: Int
  /// The most chunks, segments, blocks or boxes of one file.
  public var maxChunks: Int
  /// The most bytes that the compressed text and profiles of one file may inflate to, together.
  public var maxTextBytes: Int

  /// Limits; the defaults suit input pictures of a diffusion model (64 MiB, 64 megapixels, 16384 a side).
  public init(
    maxBytes: Int = 64 << 20, maxPixels: Int = 64 << 20, maxWidth: Int = 16384, maxHeight: Int = 16384,
    maxChunks: Int = 65536, maxTextBytes: Int = 8 << 20
  ) {
    (self.maxBytes, self.maxPixels, self.maxWidth, self.maxHeight) = (maxBytes, maxPixels, maxWidth, maxHeight)
    (self.maxChunks, self.maxTextBytes) = (maxChunks, maxTextBytes)
  }

  /// Above this the sizes of scanlines could overflow, whatever the caller allows.
  private static let pixelCeiling = 1 << 40

  /// Refuses a size that is empty or too large.
  func check(_ format: MediaFormat, width: Int, height: Int) throws(ImageError) {
    guard width > 0, height > 0 else {
      throw ImageError(.malformed, "\(format.name): a size of \(width)x\(height)")
    }
    guard width <= maxWidth, height <= maxHeight else {
      throw ImageError(.overLimit, "\(format.name): \(width)x\(height) is larger than \(maxWidth)x\(maxHeight)")
    }
    let (pixels, overflows) = width.multipliedReportingOverflow(by: height)
    guard !overflows, pixels <= min(maxPixels, Self.pixelCeiling) else {
      throw ImageError(.overLimit, "\(format.name): \(width)x\(height) is more than \(maxPixels) pixels")
    }
  }

  /// Refuses a file of too many bytes.
  func check(byteCount: Int) throws(ImageError) {
    guard byteCount <= maxBytes else {
      throw ImageError(.overLimit, "the file has \(byteCount) bytes, more than \(maxBytes)")
    }
  }
}

/// How many more parts of a file may be looked at.
struct PartBudget {
  private var left: Int
  private let format: MediaFormat

  init(_ format: MediaFormat, _ limits: ImageLimits) {
    (self.left, self.format) = (limits.maxChunks, format)
  }

  /// Takes one part off the budget.
  mutating func take() throws(ImageError) {
    guard left > 0 else { throw ImageError(.overLimit, "\(format.name): too many parts") }
    left -= 1
  }
}
