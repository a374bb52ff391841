/// PNG: chunks with CRCs, and image data that inflates to all scanlines.
enum PNGFormat: PictureFormat {
  static func header(of bytes: Span<UInt8>, _ limits: ImageLimits) throws(ImageError) -> ImageInfo {
    let header = try PNGHeader(bytes, limits)
    return ImageInfo(format: .png, width: header.width, height: header.height)
  }

  static func walk(_ bytes: Span<UInt8>, _ limits: ImageLimits, _ info: inout ImageInfo) throws(ImageError) {
    let header = try PNGHeader(bytes, limits)
    var data = try PNGImageData(header)
    var order = PNGOrder(header)
    var textLeft = limits.maxTextBytes
    var isAnimated = false
    defer { info.isAnimated = isAnimated }
    _ = try PNGChunk.forEach(in: bytes, limits) { (chunk) throws(ImageError) in
      try chunk.checkCRC(bytes)
      try order.take(chunk)
      switch chunk.type {
      case "IDAT": try data.take(bytes, chunk.data)
      case "acTL": isAnimated = try frameCount(bytes, chunk) > 1
      case "fcTL": try checkFrame(bytes, chunk, header)
      case "zTXt", "iTXt", "iCCP":
        // Looked at here since the decoders that come next inflate it.
        guard let compressed = PNGText.compressedRange(of: chunk, in: bytes) else { break }
        let count = try Inflater.measure(bytes, compressed, limit: textLeft)
        guard count <= textLeft else {
          throw ImageError(.overLimit, "PNG: compressed text inflates to more than \(limits.maxTextBytes) bytes")
        }
        textLeft -= count
      default: break
      }
    }
    try data.finish()
  }

  /// The frames that an animation declares (11.3.6.1).
  private static func frameCount(_ bytes: Span<UInt8>, _ chunk: PNGChunk) throws(ImageError) -> Int {
    var cursor = Cursor(chunk.data, "PNG: acTL")
    return try cursor.bigEndian(4, bytes)
  }

  /// Refuses a frame that reaches beyond the picture (11.3.6.2).
  private static func checkFrame(
    _ bytes: Span<UInt8>, _ chunk: PNGChunk, _ header: PNGHeader
  ) throws(ImageError) {
    var cursor = Cursor(chunk.data, "PNG: fcTL")
    try cursor.take(4)
    let (width, height) = (try cursor.bigEndian(4, bytes), try cursor.bigEndian(4, bytes))
    let (x, y) = (try cursor.bigEndian(4, bytes), try cursor.bigEndian(4, bytes))
    guard width > 0, height > 0, x + width <= header.width, y + height <= header.height else {
      throw ImageError(.malformed, "PNG: a frame at \(x),\(y) of \(width)x\(height) outside the picture")
    }
  }
}

/// The order in which the critical chunks must come (5.6).
struct PNGOrder {
  private enum Stage { case start, header, data, afterData }
  private var stage = Stage.start
  private var hasPalette = false
  private let needsPalette: Bool

  init(_ header: PNGHeader) { needsPalette = header.colorType == .indexed }

  mutating func take(_ chunk: PNGChunk) throws(ImageError) {
    func refuse(_ why: String) -> ImageError {
      ImageError(.malformed, "PNG: chunk \(chunk.type.name) at offset \(chunk.range.lowerBound) \(why)")
    }
    switch chunk.type {
    case "IHDR":
      guard stage == .start else { throw refuse("is there a second time") }
      stage = .header
    case "PLTE":
      guard stage == .header, !hasPalette else { throw refuse("is out of place") }
      guard chunk.data.count % 3 == 0, (3...768).contains(chunk.data.count) else {
        throw refuse("has \(chunk.data.count) bytes")
      }
      hasPalette = true
    case "IDAT":
      guard stage != .afterData else { throw refuse("does not follow the other image data") }
      guard hasPalette || !needsPalette else { throw refuse("comes without a palette before it") }
      stage = .data
    case "IEND":
      guard stage == .data || stage == .afterData else { throw refuse("comes without image data before it") }
      guard chunk.data.isEmpty else { throw refuse("is not empty") }
    default:
      guard !chunk.isCritical else { throw refuse("is critical and unknown") }
      if stage == .data { stage = .afterData }
    }
  }
}
