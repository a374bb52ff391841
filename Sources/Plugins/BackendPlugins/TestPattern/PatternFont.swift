/// A font of 5x9 pixels for ASCII; every other character is a box.
struct PatternFont {
  /// Screen pixels a font pixel.
  let scale: Int

  private static let (columns, rows) = (5, 9)

  /// Screen pixels from one character to the next, of which `gap` are empty.
  var advance: Int { (Self.columns + 1) * scale }
  var gap: Int { scale }
  /// Screen pixels from one line to the next, of which `lead` are empty.
  var pitch: Int { (Self.rows + 2) * scale }
  var lead: Int { 3 * scale }

  /// Draws a line of text, its top left corner at a place; what lies outside is left out.
  func draw(_ text: String, x: Int, y: Int, _ color: UInt8, on canvas: inout PatternCanvas) {
    var left = x
    for scalar in text.unicodeScalars {
      let code = Int(scalar.value)
      let glyph = (32..<127).contains(code) ? Self.glyphs[code - 32] : Self.box
      if glyph != 0 { draw(glyph, left, y, color, &canvas) }
      left += advance
    }
  }

  private func draw(_ glyph: UInt64, _ x: Int, _ y: Int, _ color: UInt8, _ canvas: inout PatternCanvas) {
    for row in 0..<Self.rows {
      for column in 0..<Self.columns where Self.isSet(glyph, column, row) {
        canvas.fill(x: x + column * scale, y: y + row * scale, width: scale, height: scale, color)
      }
    }
    if scale > 1 { smooth(glyph, x, y, color, &canvas) }
  }

  /// Fills the inner corners of diagonals by half a pixel, so that they read as lines.
  private func smooth(_ glyph: UInt64, _ x: Int, _ y: Int, _ color: UInt8, _ canvas: inout PatternCanvas) {
    let half = scale / 2
    for row in 0..<Self.rows {
      for column in 0..<Self.columns where !Self.isSet(glyph, column, row) {
        for (dx, dy) in [(-1, -1), (1, -1), (-1, 1), (1, 1)] {
          // Both neighbours are set, the corner between them is not: a diagonal passes here.
          guard Self.isSet(glyph, column + dx, row), Self.isSet(glyph, column, row + dy),
            !Self.isSet(glyph, column + dx, row + dy), !Self.isSet(glyph, column - dx, row),
            !Self.isSet(glyph, column, row - dy)
          else { continue }
          let (left, top) = (x + column * scale, y + row * scale)
          canvas.fill(
            x: dx < 0 ? left : left + scale - half, y: dy < 0 ? top : top + scale - half, width: half, height: half,
            color)
        }
      }
    }
  }

  private static func isSet(_ glyph: UInt64, _ column: Int, _ row: Int) -> Bool {
    guard (0..<columns).contains(column), (0..<rows).contains(row) else { return false }
    return glyph >> UInt64((rows - 1 - row) * columns + columns - 1 - column) & 1 == 1
  }

  /// The characters 32 to 126 and the box, 45 bits each: rows from the top, pixels from the left, the last pixel lowest.
  ///
  /// Capitals fill rows 0 to 6, small letters 2 to 6, and 7 and 8 are for what hangs below.
  private static let glyphs: [UInt64] = [
    0x000000000000, 0x042108401000, 0x0a5280000000, 0x0a57d5f52800, 0x047d1c5f1000, 0x19c88889cc00,
    0x0c9511593400, 0x042100000000, 0x022210820800, 0x082084222000, 0x00255d520000, 0x00213e420000,
    0x000000021100, 0x00003e000000, 0x000000063000, 0x010888884000, 0x0e8ceb98b800, 0x046108423800,
    0x0e8844447c00, 0x1f110418b800, 0x0232a5f10800, 0x1f878218b800, 0x06443d18b800, 0x1f0888842000,
    0x0e8c5d18b800, 0x0e8c5e113000, 0x006300c60000, 0x006300c61100, 0x022220820800, 0x0007c1f00000,
    0x082082222000, 0x0e8844401000, 0x0e8deb783800, 0x0e8c63f8c400, 0x1e8c7d18f800, 0x0e8c2108b800,
    0x1c9463197000, 0x1f843d087c00, 0x1f843d084000, 0x0e8c2f18bc00, 0x118c7f18c400, 0x0e2108423800,
    0x071084293000, 0x119531494400, 0x108421087c00, 0x11dd6b18c400, 0x118e6b38c400, 0x0e8c6318b800,
    0x1e8c7d084000, 0x0e8c63593400, 0x1e8c7d494400, 0x0f841c10f800, 0x1f2108421000, 0x118c6318b800,
    0x118c63151000, 0x118c6b5aa800, 0x118a88a8c400, 0x118a88421000, 0x1f0888887c00, 0x0e4210843800,
    0x108208208400, 0x0e1084213800, 0x045440000000, 0x000000007c00, 0x082080000000, 0x000382f8bc00,
    0x1085b318f800, 0x0003a108b800, 0x010b6718bc00, 0x0003a3f83800, 0x064a38842000, 0x0003e318bc2e,
    0x1085b318c400, 0x040308423800, 0x020184210a4c, 0x1084a98a4800, 0x0c2108423800, 0x0006ab58c400,
    0x0005b318c400, 0x0003a318b800, 0x0007a318fa10, 0x0003e318bc21, 0x0005b3084000, 0x0003e0e0f800,
    0x084710849800, 0x00046319b400, 0x000463151000, 0x0004635aa800, 0x000454454400, 0x00046318bc2e,
    0x0007c4447c00, 0x032110420c00, 0x042108421000, 0x182104426000, 0x00022a200000, 0x1f8c6318fc00,
  ]

  private static let box = glyphs[95]
}
