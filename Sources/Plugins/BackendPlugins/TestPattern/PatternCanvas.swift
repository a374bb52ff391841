/// Pixels as indices into a palette that knows each colour in three lights: plain, in water, under the caption.
struct PatternCanvas {
  /// Where the colours stand in the palette.
  enum Index {
    static let skyCount = 40
    static let layers = 5
    static let layerLevels = 8
    /// Sky and layers; the same again in water, and under the caption.
    static let count = skyCount + layers * layerLevels
    static let text: UInt8 = 240
    static let faintText: UInt8 = 241
    static let accent: UInt8 = 242
    static let sun: UInt8 = 243
    /// Three steps from the sky's glow to the sun.
    static let sunEdge: UInt8 = 244
    static let sunInWater: UInt8 = 247
    static let star: UInt8 = 248

    /// The index of a colour seen in water.
    static let inWater: [UInt8] = (0..<256).map { index in
      if index < count { return UInt8(index + count) }
      if index == sun || (sunEdge..<(sunEdge + 3)).contains(UInt8(index)) { return sunInWater }
      return index == star ? UInt8(count) : UInt8(index)
    }

    /// The index of a colour under the caption.
    static let underCaption: [UInt8] = (0..<256).map { index in
      index < 2 * count ? UInt8(2 * count + index % count) : UInt8(2 * count + (index == star ? 0 : skyCount / 2))
    }
  }

  let width: Int
  let height: Int
  var pixels: [UInt8]

  init(width: Int, height: Int) {
    (self.width, self.height) = (width, height)
    pixels = [UInt8](repeating: 0, count: width * height)
  }

  /// Ordered dither: thresholds of an 8x8 tile, 0 to 63.
  static let bayer: [Int] = (0..<64).map { place in
    let (x, y) = (place % 8, place / 8)
    return (0..<3).reduce(0) { result, bit in
      let (xBit, yBit) = (x >> bit & 1, y >> bit & 1)
      return result | ((xBit ^ yBit) << 1 | yBit) << (2 * (2 - bit))
    }
  }

  mutating func set(_ x: Int, _ y: Int, _ index: UInt8) {
    guard x >= 0, x < width, y >= 0, y < height else { return }
    pixels[y * width + x] = index
  }

  /// Colours a rectangle, as much of it as lies within.
  mutating func fill(x: Int, y: Int, width: Int, height: Int, _ index: UInt8) {
    let columns = max(0, x)..<max(0, x, min(self.width, x + width))
    for row in max(0, y)..<max(0, y, min(self.height, y + height)) {
      for column in columns { pixels[row * self.width + column] = index }
    }
  }

  /// Puts a rectangle into the caption's shade.
  mutating func shade(x: Int, y: Int, width: Int, height: Int) {
    let map = Index.underCaption
    let columns = max(0, x)..<max(0, x, min(self.width, x + width))
    let rows = max(0, y)..<max(0, y, min(self.height, y + height))
    let pitch = self.width
    pixels.withUnsafeMutableBufferPointer { pixels in
      map.withUnsafeBufferPointer { map in
        for row in rows {
          for place in (row * pitch + columns.lowerBound)..<(row * pitch + columns.upperBound) {
            pixels[place] = map[Int(pixels[place])]
          }
        }
      }
    }
  }
}
