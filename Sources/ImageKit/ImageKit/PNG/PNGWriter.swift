/// A writer of plain PNG files: RGB or up to 256 colours, 8 bits a sample, the same bytes for the same pixels.
///
/// The bytes also depend on the version of zlib that compresses them.
public struct PNGWriter: Sendable {
  /// A colour of 8 bits a channel.
  public struct Color: Sendable, Hashable {
    /// Red, green and blue, 0 to 255.
    public var red, green, blue: UInt8

    /// A colour from its channels.
    public init(red: UInt8, green: UInt8, blue: UInt8) {
      (self.red, self.green, self.blue) = (red, green, blue)
    }
  }

  /// How the pixels are given, rows from the top, pixels from the left.
  public enum Pixels: Sendable {
    /// Three bytes a pixel: red, green, blue.
    case rgb([UInt8])
    /// One byte a pixel: an index into a palette of 1 to 256 colours.
    case indexed([UInt8], palette: [Color])
  }

  /// Texts to put before the image data.
  public var texts: [PNGText]
  /// zlib's level, 1 (fast) to 9 (small).
  public var level: Int

  /// A writer.
  public init(texts: [PNGText] = [], level: Int = 6) {
    (self.texts, self.level) = (texts, level)
  }

  /// The file of a picture.
  ///
  /// An index beyond the palette is not looked for; decoders differ on it.
  ///
  /// - Throws: `ImageError` if the pixels are not width times height, a side is 0 or above 65535, or a text cannot be
  ///   written.
  public func write(width: Int, height: Int, _ pixels: Pixels) throws(ImageError) -> [UInt8] {
    let (samples, channels, color): ([UInt8], Int, PNGHeader.ColorType) =
      switch pixels {
      case .rgb(let samples): (samples, 3, .rgb)
      case .indexed(let samples, _): (samples, 1, .indexed)
      }
    guard (1...65535).contains(width), (1...65535).contains(height), samples.count == width * height * channels else {
      throw ImageError(.invalidArgument, "PNG: \(samples.count) samples are not \(width)x\(height) of \(channels)")
    }
    var file = PNGChunk.signature
    let size = PNGChunk.bigEndian(UInt32(width)) + PNGChunk.bigEndian(UInt32(height))
    file += try PNGChunk.make("IHDR", size + [8, color.rawValue, 0, 0, 0])
    if case .indexed(_, let palette) = pixels {
      guard (1...256).contains(palette.count) else {
        throw ImageError(.invalidArgument, "PNG: a palette of \(palette.count) colours")
      }
      file += try PNGChunk.make("PLTE", palette.flatMap { [$0.red, $0.green, $0.blue] })
    }
    for text in texts { file += try text.encode() }
    let rows = Self.scanlines(samples, rowBytes: width * channels, distance: color == .rgb ? channels : nil)
    file += try PNGChunk.make("IDAT", try deflate(rows, level: min(9, max(1, level))))
    file += try PNGChunk.make("IEND", [])
    return file
  }

  /// The rows with a filter byte before each: none for indices, the difference to the left pixel for RGB.
  private static func scanlines(_ samples: [UInt8], rowBytes: Int, distance: Int?) -> [UInt8] {
    let rows = samples.count / rowBytes
    return [UInt8](unsafeUninitializedCapacity: rows * (rowBytes + 1)) { out, count in
      samples.withUnsafeBufferPointer { samples in
        for row in 0..<rows {
          let (from, to) = (row * rowBytes, row * (rowBytes + 1))
          out[to] = distance == nil ? 0 : 1
          let head = min(distance ?? rowBytes, rowBytes)
          _ = out[(to + 1)..<(to + 1 + head)].initialize(from: samples[from..<(from + head)])
          for index in head..<rowBytes {
            out[to + 1 + index] = samples[from + index] &- samples[from + index - head]
          }
        }
      }
      count = rows * (rowBytes + 1)
    }
  }
}
