/// A picture's pixels in memory.
public struct Bitmap: Sendable, Hashable {
  /// Width in pixels, at least 1.
  public let width: Int
  /// Height in pixels, at least 1.
  public let height: Int
  /// Red, green, blue and alpha of each pixel, 8 bits a channel, rows from the top without gaps. Alpha is not multiplied in.
  public let pixels: [UInt8]
  /// Whether any pixel lets something through.
  public let hasAlpha: Bool

  init(width: Int, height: Int, pixels: [UInt8], hasAlpha: Bool) {
    (self.width, self.height, self.pixels, self.hasAlpha) = (width, height, pixels, hasAlpha)
  }
}
