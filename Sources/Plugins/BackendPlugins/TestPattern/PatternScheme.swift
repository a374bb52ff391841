import ImageKit

/// The colours of a landscape: a time of day and a place.
struct PatternScheme: Sendable {
  /// Words of a prompt that ask for it.
  var words: [String]
  /// From the zenith down to the horizon, which is also the glow around the sun.
  var sky: [UInt32]
  /// The farthest ridge and the nearest.
  var far: UInt32
  var near: UInt32
  var sun: UInt32
  var water: UInt32
  var hasStars = false
  var hasTrees = true

  /// The scheme whose word the prompt names first in the list, or one by the hash of another text.
  static func choose(for prompt: String, otherwise text: String) -> PatternScheme {
    let words = Set(prompt.prefix(4000).lowercased().split { !$0.isLetter }.map(String.init))
    return all.first { !words.isDisjoint(with: $0.words) }
      ?? all[Int(PatternNoise.mix(PatternNoise.hash(text)) % UInt64(all.count))]
  }

  static let all: [PatternScheme] = [
    .init(
      words: ["night", "moon", "moonlight", "stars", "midnight", "dark"],
      sky: [0x070B1E, 0x101B3F, 0x22396B, 0x6C8CB5],
      far: 0x2B416E, near: 0x060A16, sun: 0xF4F1DE, water: 0x0E1A38, hasStars: true),
    .init(
      words: ["aurora", "cyberpunk", "neon", "space", "galaxy"], sky: [0x0B0A1F, 0x0F2A3F, 0x12695F, 0x7CF0A8],
      far: 0x1B4A57, near: 0x05090F, sun: 0xE8FFF1, water: 0x0A2430, hasStars: true),
    .init(
      words: ["sunset", "dusk", "evening"], sky: [0x2A1B4F, 0x7A2F6B, 0xE0605A, 0xFFD08A], far: 0x8C4A73,
      near: 0x170D22,
      sun: 0xFFF3C9, water: 0x3B1F4F),
    .init(
      words: ["sunrise", "dawn", "morning"], sky: [0x4C6FA8, 0x93A9CF, 0xF2C6B4, 0xFFEFC7], far: 0x94A0C4,
      near: 0x232B45, sun: 0xFFFFFF, water: 0x55719E),
    .init(
      words: ["desert", "sand", "dune", "dunes", "canyon", "mars"], sky: [0x3E7CA8, 0x8FB7C0, 0xF0D5A4, 0xFFF0CE],
      far: 0xD99A6C, near: 0x5A2415, sun: 0xFFFCEB, water: 0x5E8C96, hasTrees: false),
    .init(
      words: ["snow", "winter", "ice", "arctic", "glacier"], sky: [0x4F7FB5, 0x8FB3D6, 0xCFE2EE, 0xFFFFFF],
      far: 0xC4D8E8,
      near: 0x2A4260, sun: 0xFFFFFF, water: 0x4E7596),
    .init(
      words: ["forest", "jungle", "green", "meadow", "garden"], sky: [0x3B8FB8, 0x86C1CC, 0xD2E8CF, 0xFBFBE3],
      far: 0x86B3A0, near: 0x0E2A1C, sun: 0xFFFDE8, water: 0x2C6B68),
    .init(
      words: ["sea", "ocean", "lake", "beach", "island"], sky: [0x1E5FA8, 0x4C9AD0, 0xA5D8E8, 0xFDF6D8], far: 0x6FA5BF,
      near: 0x12344A, sun: 0xFFFDF0, water: 0x15607F),
    .init(
      words: ["violet", "purple", "magic", "dream", "fantasy"], sky: [0x3A2A78, 0x7A55B5, 0xD78FC9, 0xFFE0E0],
      far: 0x8C6CB8, near: 0x1A1238, sun: 0xFFF6FB, water: 0x463488),
    .init(
      words: ["autumn", "fall", "fire", "volcano"], sky: [0x4A4E69, 0x9A7B73, 0xE9A764, 0xFFE3A8], far: 0xB5785A,
      near: 0x2B130C, sun: 0xFFF5D6, water: 0x5A4A52),
  ]

  /// The colours by index, as `PatternCanvas.Index` lays them out.
  var palette: [PNGWriter.Color] {
    typealias Index = PatternCanvas.Index
    let horizon = sky[sky.count - 1]
    var base = (0..<Index.skyCount).map { Self.gradient(sky, Double($0) / Double(Index.skyCount - 1)) }
    for layer in 0..<Index.layers {
      // Air lies between: the farther, the nearer to the horizon's colour, and more so towards the foot.
      let depth = Double(layer) / Double(Index.layers - 1)
      let color = Self.blend(far, near, depth)
      for level in 0..<Index.layerLevels {
        let mist = (1 - depth * 0.94) * 0.5 * Double(level) / Double(Index.layerLevels - 1)
        base.append(Self.blend(color, horizon, mist))
      }
    }
    var colors = base
    colors += base.map { Self.blend($0, water, 0.45) }
    colors += base.map { Self.blend($0, Self.blend(0x05060A, near, 0.4), 0.8) }
    colors += [0xFFFFFF, Self.blend(0xFFFFFF, horizon, 0.6), Self.blend(horizon, sun, 0.3), sun]
    colors += [0.3, 0.6, 0.85].map { Self.blend(horizon, sun, $0) }
    colors += [Self.blend(sun, water, 0.25), Self.blend(sun, sky[0], 0.55)]
    return colors.map {
      PNGWriter.Color(
        red: UInt8(truncatingIfNeeded: $0 >> 16), green: UInt8(truncatingIfNeeded: $0 >> 8),
        blue: UInt8(truncatingIfNeeded: $0))
    }
  }

  private static func gradient(_ stops: [UInt32], _ t: Double) -> UInt32 {
    let place = t * Double(stops.count - 1)
    let index = min(stops.count - 2, Int(place))
    return blend(stops[index], stops[index + 1], place - Double(index))
  }

  /// A mix of two colours, by light rather than by number: squares stand for the sRGB curve.
  private static func blend(_ a: UInt32, _ b: UInt32, _ t: Double) -> UInt32 {
    [16, 8, 0].reduce(0) { result, shift in
      let (x, y) = (Double(a >> shift & 0xFF), Double(b >> shift & 0xFF))
      return result << 8 | UInt32((x * x + (y * y - x * x) * t).squareRoot().rounded())
    }
  }
}
