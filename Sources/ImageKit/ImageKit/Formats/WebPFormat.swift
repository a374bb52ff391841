/// WebP: RIFF chunks (RFC 9649).
enum WebPFormat: PictureFormat {
  static func header(of bytes: Span<UInt8>, _ limits: ImageLimits) throws(ImageError) -> ImageInfo {
    let first = try Chunk.read(bytes, at: 12, end: bytes.count, isWhole: false)
    var info: ImageInfo
    switch first.type {
    case "VP8X":
      var cursor = Cursor(first.data, "WebP: VP8X")
      let flags = try cursor.byte(bytes)
      try cursor.take(3)
      let (width, height) = (try cursor.littleEndian(3, bytes) + 1, try cursor.littleEndian(3, bytes) + 1)
      info = ImageInfo(format: .webp, width: width, height: height)
      info.isAnimated = flags & 0x02 != 0
    case "VP8 ", "VP8L":
      let (width, height) = try size(bytes, first)
      info = ImageInfo(format: .webp, width: width, height: height)
    default: throw ImageError(.malformed, "WebP: begins with chunk \(first.type.name)")
    }
    try limits.check(.webp, width: info.width, height: info.height)
    return info
  }

  static func walk(_ bytes: Span<UInt8>, _ limits: ImageLimits, _ info: inout ImageInfo) throws(ImageError) {
    var budget = PartBudget(.webp, limits)
    let end = try end(of: bytes)
    var (offset, frames) = (12, 0)
    while offset < end {
      try budget.take()
      let chunk = try Chunk.read(bytes, at: offset, end: end, isWhole: true)
      offset = chunk.next(before: end)
      switch chunk.type {
      case "VP8 ", "VP8L":
        guard try size(bytes, chunk) == (info.width, info.height) else {
          throw ImageError(.malformed, "WebP: a picture that is not of its canvas's size")
        }
        frames += 1
      case "ANMF":
        try checkFrame(bytes, chunk, info)
        frames += 1
      default: break
      }
    }
    guard frames > 0 else { throw ImageError(.truncated, "WebP: ends without a picture") }
  }

  /// Where the file ends by its own count.
  static func end(of bytes: Span<UInt8>) throws(ImageError) -> Int {
    var riff = Cursor(4..<bytes.count, "WebP")
    let end = 8 + (try riff.littleEndian(4, bytes))
    guard end <= bytes.count else {
      throw ImageError(.truncated, "WebP: \(end) bytes by its own count, \(bytes.count) there")
    }
    return end
  }

  struct Chunk {
    let type: FourCC
    let data: Range<Int>

    /// Where the next one begins. One of odd length is followed by a byte of padding, which some writers leave out at the
    /// end.
    func next(before end: Int) -> Int { min(end, data.upperBound + data.count % 2) }

    /// The chunk at an offset; unless it must be whole, as much of it as there is.
    static func read(
      _ bytes: Span<UInt8>, at offset: Int, end: Int, isWhole: Bool
    ) throws(ImageError) -> Chunk {
      var cursor = Cursor(min(offset, end)..<end, "WebP")
      let type = try cursor.fourCC(bytes)
      let count = try cursor.littleEndian(4, bytes)
      return Chunk(type: type, data: try cursor.take(isWhole ? count : min(count, cursor.left)))
    }
  }

  /// The size in a picture chunk's own header.
  private static func size(_ bytes: Span<UInt8>, _ chunk: Chunk) throws(ImageError) -> (Int, Int) {
    var cursor = Cursor(chunk.data, "WebP: \(chunk.type.name)")
    if chunk.type == "VP8L" {
      guard try cursor.byte(bytes) == 0x2F else { throw ImageError(.malformed, "WebP: no lossless picture in VP8L") }
      let bits = try cursor.littleEndian(4, bytes)
      guard bits >> 29 == 0 else { throw ImageError(.malformed, "WebP: an unknown version of VP8L") }
      return (bits & 0x3FFF + 1, bits >> 14 & 0x3FFF + 1)
    }
    let tag = try cursor.littleEndian(3, bytes)
    guard tag & 1 == 0, try cursor.bigEndian(3, bytes) == 0x9D012A else {
      throw ImageError(.malformed, "WebP: no key frame in VP8")
    }
    let (width, height) = (try cursor.littleEndian(2, bytes) & 0x3FFF, try cursor.littleEndian(2, bytes) & 0x3FFF)
    return (width, height)
  }

  /// Refuses an animation frame without data, or one that reaches beyond the canvas.
  private static func checkFrame(_ bytes: Span<UInt8>, _ chunk: Chunk, _ info: ImageInfo) throws(ImageError) {
    var cursor = Cursor(chunk.data, "WebP: ANMF")
    let (x, y) = (try cursor.littleEndian(3, bytes) * 2, try cursor.littleEndian(3, bytes) * 2)
    let (width, height) = (try cursor.littleEndian(3, bytes) + 1, try cursor.littleEndian(3, bytes) + 1)
    try cursor.take(4 + 8)
    guard x + width <= info.width, y + height <= info.height else {
      throw ImageError(.malformed, "WebP: a frame at \(x),\(y) of \(width)x\(height) outside the canvas")
    }
  }
}
