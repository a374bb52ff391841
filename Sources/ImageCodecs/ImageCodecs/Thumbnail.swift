public import ImageKit

/// Small pictures of large ones.
public enum Thumbnail {
  /// The longest sides that are made.
  public static let sides = 16...2048

  /// A small picture of a PNG, JPEG or WebP.
  ///
  /// - Parameters:
  ///   - bytes: the file.
  ///   - longestSide: of the result, in pixels, brought within ``sides``; smaller pictures are not made larger.
  ///   - encoding: what the result is written as. WebP is what every browser shows and keeps transparency.
  ///   - limits: what may be looked at.
  /// - Throws: what `Bitmap.init(decoding:)` and `Bitmap.encoded(as:)` throw.
  public static func make(
    of bytes: Span<UInt8>, longestSide: Int, as encoding: PictureEncoding = .webp(quality: 80),
    limits: ImageLimits = ImageLimits()
  ) throws(ImageError) -> [UInt8] {
    let side = min(max(longestSide, sides.lowerBound), sides.upperBound)
    return try Bitmap(decoding: bytes, longestSide: side, limits: limits).encoded(as: encoding)
  }
}
