/// What the IHDR chunk says.
struct PNGHeader {
  enum ColorType: UInt8 {
    case gray = 0, rgb = 2, indexed = 3, grayAlpha = 4, rgba = 6

    var channels: Int {
      switch self {
      case .gray, .indexed: 1
      case .grayAlpha: 2
      case .rgb: 3
      case .rgba: 4
      }
    }

    func allows(bitDepth: Int) -> Bool {
      switch self {
      case .gray: [1, 2, 4, 8, 16].contains(bitDepth)
      case .indexed: [1, 2, 4, 8].contains(bitDepth)
      case .rgb, .grayAlpha, .rgba: bitDepth == 8 || bitDepth == 16
      }
    }
  }

  /// Equal scanlines that follow each other in the image data: the picture, or one pass of an interlaced one.
  struct Pass {
    /// Bytes a scanline, its filter byte counted.
    var rowBytes: Int
    var rows: Int
  }

  let width: Int
  let height: Int
  let bitDepth: Int
  let colorType: ColorType
  let isInterlaced: Bool

  /// Reads and checks the first chunk; the size is held against the limits before anything else is believed.
  init(_ bytes: Span<UInt8>, _ limits: ImageLimits) throws(ImageError) {
    let chunk = try PNGChunk.read(bytes, at: PNGChunk.signature.count)
    guard chunk.type == "IHDR", chunk.data.count == 13 else {
      throw ImageError(.malformed, "PNG: begins with chunk \(chunk.type.name) of \(chunk.data.count) bytes, not IHDR")
    }
    try chunk.checkCRC(bytes)
    var cursor = Cursor(chunk.data, "PNG: IHDR")
    (width, height) = (try cursor.bigEndian(4, bytes), try cursor.bigEndian(4, bytes))
    try limits.check(.png, width: width, height: height)
    bitDepth = Int(try cursor.byte(bytes))
    let color = try cursor.byte(bytes)
    guard let colorType = ColorType(rawValue: color), colorType.allows(bitDepth: bitDepth) else {
      throw ImageError(.malformed, "PNG: no colour type \(color) of \(bitDepth) bits exists")
    }
    self.colorType = colorType
    let (compression, filter, interlace) = (
      try cursor.byte(bytes), try cursor.byte(bytes), try cursor.byte(bytes)
    )
    guard compression == 0, filter == 0, interlace <= 1 else {
      throw ImageError(
        .malformed, "PNG: unknown methods: compression \(compression), filter \(filter), interlace \(interlace)")
    }
    isInterlaced = interlace == 1
  }

  /// The stretches of scanlines in the inflated image data; passes without pixels are absent.
  var passes: [Pass] {
    guard isInterlaced else { return [pass(width, height)] }
    // Adam7: where each pass begins and how far apart its pixels are.
    let adam7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    return adam7.compactMap { x, y, dx, dy in
      let (columns, rows) = ((width - x + dx - 1) / dx, (height - y + dy - 1) / dy)
      return columns > 0 && rows > 0 ? pass(columns, rows) : nil
    }
  }

  private func pass(_ columns: Int, _ rows: Int) -> Pass {
    Pass(rowBytes: 1 + (columns * colorType.channels * bitDepth + 7) / 8, rows: rows)
  }
}
