/// Numbers that look random and are the same on every machine: splitmix64, and smooth noise over it.
struct PatternNoise {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  /// FNV-1a of a text.
  static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  static func mix(_ value: UInt64) -> UInt64 {
    var value = value &+ 0x9E37_79B9_7F4A_7C15
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// The next number, 0 to below 1.
  mutating func next() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.unit(Self.mix(state))
  }

  /// The next number of a range.
  mutating func next(_ range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * next()
  }

  private static func unit(_ value: UInt64) -> Double { Double(value >> 11) * 0x1p-53 }

  private static func ease(_ t: Double) -> Double { t * t * (3 - 2 * t) }

  private static func lattice(_ seed: UInt64, _ x: Int) -> Double {
    unit(mix(seed ^ UInt64(bitPattern: Int64(x)) &* 0xD6E8_FEB8_6659_FD93))
  }

  /// Smooth noise along a line, 0 to 1, one bump a unit.
  static func line(_ seed: UInt64, _ x: Double) -> Double {
    let cell = x.rounded(.down)
    let (index, t) = (Int(cell), ease(x - cell))
    let (a, b) = (lattice(seed, index), lattice(seed, index + 1))
    return a + (b - a) * t
  }

  /// Noise along a line with detail, 0 to 1: each octave twice as fine and `gain` as strong.
  static func fractal(_ seed: UInt64, _ x: Double, octaves: Int, gain: Double) -> Double {
    var (sum, weight, total, frequency) = (0.0, 1.0, 0.0, 1.0)
    for octave in 0..<octaves {
      sum += weight * line(seed &+ UInt64(octave) &* 77, x * frequency)
      total += weight
      weight *= gain
      frequency *= 2
    }
    return sum / total
  }

  /// Noise over a plane with detail, 0 to 1.
  static func fractal(_ seed: UInt64, _ x: Double, _ y: Double, octaves: Int) -> Double {
    var (sum, weight, total, frequency) = (0.0, 1.0, 0.0, 1.0)
    for octave in 0..<octaves {
      let (px, py) = (x * frequency, y * frequency)
      let (cx, cy) = (px.rounded(.down), py.rounded(.down))
      let (tx, ty) = (ease(px - cx), ease(py - cy))
      let row = mix(seed &+ UInt64(octave)) &+ UInt64(bitPattern: Int64(cy)) &* 0x9E6C_63D0_876A_9A69
      let below = row &+ 0x9E6C_63D0_876A_9A69
      let (a, b) = (lattice(row, Int(cx)), lattice(row, Int(cx) + 1))
      let (c, d) = (lattice(below, Int(cx)), lattice(below, Int(cx) + 1))
      let (top, bottom) = (a + (b - a) * tx, c + (d - c) * tx)
      sum += weight * (top + (bottom - top) * ty)
      total += weight
      weight *= 0.5
      frequency *= 2
    }
    return sum / total
  }
}
