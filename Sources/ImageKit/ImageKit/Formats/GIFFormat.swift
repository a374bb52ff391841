/// GIF: blocks up to the trailer (GIF89a specification).
enum GIFFormat: PictureFormat {
  static func header(of bytes: Span<UInt8>, _ limits: ImageLimits) throws(ImageError) -> ImageInfo {
    var cursor = Cursor(6..<bytes.count, "GIF: screen descriptor")
    let (width, height) = (try cursor.littleEndian(2, bytes), try cursor.littleEndian(2, bytes))
    try limits.check(.gif, width: width, height: height)
    return ImageInfo(format: .gif, width: width, height: height)
  }

  static func walk(_ bytes: Span<UInt8>, _ limits: ImageLimits, _ info: inout ImageInfo) throws(ImageError) {
    var (cursor, budget, frames) = (Cursor(10..<bytes.count, "GIF"), PartBudget(.gif, limits), 0)
    try skipColors(bytes, &cursor, andThen: 2)
    while true {
      try budget.take()
      let offset = cursor.offset
      switch try cursor.byte(bytes) {
      case 0x2C:
        let (x, y) = (try cursor.littleEndian(2, bytes), try cursor.littleEndian(2, bytes))
        let (width, height) = (try cursor.littleEndian(2, bytes), try cursor.littleEndian(2, bytes))
        // Decoders grow the picture for a frame that reaches beyond it.
        try limits.check(.gif, width: x + width, height: y + height)
        try skipColors(bytes, &cursor, andThen: 0)
        guard (1...11).contains(try cursor.byte(bytes)) else {
          throw ImageError(.malformed, "GIF: an impossible code size in the frame at offset \(offset)")
        }
        guard try skipSubBlocks(bytes, &cursor) > 0 else {
          throw ImageError(.malformed, "GIF: no image data in the frame at offset \(offset)")
        }
        frames += 1
        info.isAnimated = frames > 1
      case 0x21:
        try cursor.take(1)
        _ = try skipSubBlocks(bytes, &cursor)
      case 0x3B:
        guard frames > 0 else { throw ImageError(.malformed, "GIF: ends without a frame") }
        return
      case let other: throw ImageError(.malformed, "GIF: no block begins with \(other), at offset \(offset)")
      }
    }
  }

  /// Reads the flags of a descriptor, passes over the bytes that follow them, and the colour table they announce.
  private static func skipColors(
    _ bytes: Span<UInt8>, _ cursor: inout Cursor, andThen more: Int
  ) throws(ImageError) {
    let flags = try cursor.byte(bytes)
    try cursor.take(more)
    if flags & 0x80 != 0 { try cursor.take(3 << (Int(flags & 7) + 1)) }
  }

  /// Passes over sub-blocks up to the empty one; each takes at least a byte.
  ///
  /// Tells how many data bytes there were.
  private static func skipSubBlocks(_ bytes: Span<UInt8>, _ cursor: inout Cursor) throws(ImageError) -> Int {
    var total = 0
    while case let count = Int(try cursor.byte(bytes)), count > 0 {
      try cursor.take(count)
      total += count
    }
    return total
  }
}
