/// One chunk of a PNG file: where its parts lie (PNG specification, third edition, 5.3).
struct PNGChunk {
  /// The eight bytes that every PNG begins with.
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  let type: FourCC
  /// The whole chunk: length, type, data, CRC.
  let range: Range<Int>

  var data: Range<Int> { (range.lowerBound + 8)..<(range.upperBound - 4) }

  /// Whether a decoder that does not know it must give up.
  var isCritical: Bool { type.rawValue & 0x2000_0000 == 0 }

  /// The chunk at an offset, its frame checked but not its CRC.
  static func read(_ bytes: Span<UInt8>, at offset: Int) throws(ImageError) -> PNGChunk {
    guard let length = bytes.bigEndian32(at: offset), let type = bytes.fourCC(at: offset + 4) else {
      throw ImageError(.truncated, "PNG: ends at offset \(offset), before its end chunk")
    }
    guard type.isAlphabetic else {
      throw ImageError(.malformed, "PNG: no chunk at offset \(offset), but \(type.name)")
    }
    guard length <= 0x7FFF_FFFF else {
      throw ImageError(.malformed, "PNG: an impossible length of chunk \(type.name) at offset \(offset)")
    }
    guard length <= bytes.count - offset - 12 else {
      throw ImageError(
        .truncated, "PNG: chunk \(type.name) at offset \(offset) is \(length) bytes long, the file ends before that")
    }
    return PNGChunk(type: type, range: offset..<(offset + 12 + length))
  }

  /// Refuses a chunk whose CRC is not that of its type and data.
  func checkCRC(_ bytes: Span<UInt8>) throws(ImageError) {
    guard bytes.bigEndian32(at: data.upperBound) == Int(bytes.crc32((range.lowerBound + 4)..<data.upperBound)) else {
      throw ImageError(.malformed, "PNG: chunk \(type.name) at offset \(range.lowerBound) has a wrong CRC")
    }
  }

  /// Calls `body` with each chunk from the signature on, up to and with the end chunk.
  ///
  /// - Returns: the offset behind the end chunk.
  static func forEach(
    in bytes: Span<UInt8>, _ limits: ImageLimits, _ body: (PNGChunk) throws(ImageError) -> Void
  ) throws(ImageError) -> Int {
    guard bytes.begins(with: signature) else { throw ImageError(.unknownFormat, "not a PNG signature") }
    var (budget, offset) = (PartBudget(.png, limits), signature.count)
    while true {
      try budget.take()
      let chunk = try read(bytes, at: offset)
      try body(chunk)
      offset = chunk.range.upperBound
      if chunk.type == "IEND" { return offset }
    }
  }

  /// A chunk's bytes, made.
  static func make(_ type: FourCC, _ data: [UInt8]) throws(ImageError) -> [UInt8] {
    guard data.count <= 0x7FFF_FFFF else {
      throw ImageError(.invalidArgument, "PNG: \(data.count) bytes are too many for chunk \(type.name)")
    }
    var chunk: [UInt8] = []
    chunk.reserveCapacity(12 + data.count)
    chunk += bigEndian(UInt32(data.count))
    chunk += type.bytes
    chunk += data
    let crc = chunk.span.crc32(4..<chunk.count)
    chunk += bigEndian(crc)
    return chunk
  }

  /// The four bytes of a number, most significant first.
  static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
