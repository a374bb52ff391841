/// What is written into pictures beside their pixels: how they were made, comments, cameras and places.
public enum ImageMetadata {
  /// A PNG, JPEG or WebP without texts, comments, EXIF and XMP, and without what follows its end.
  ///
  /// Pixels, colour profiles and everything else stay byte for byte. An orientation that EXIF notes goes with it.
  /// - Returns: the new file; `nil` for other formats.
  /// - Throws: `ImageError` for a file whose parts cannot be followed to the end.
  public static func strip(
    from bytes: Span<UInt8>, limits: ImageLimits = ImageLimits()
  ) throws(ImageError) -> [UInt8]? {
    try limits.check(byteCount: bytes.count)
    switch MediaFormat.detect(bytes) {
    case .png: return try PNGFormat.stripped(bytes, limits)
    case .jpeg: return try JPEGFormat.stripped(bytes, limits)
    case .webp: return try WebPFormat.stripped(bytes, limits)
    default: return nil
    }
  }
}

extension PNGFormat {
  private static let metadata: Set<FourCC> = ["tEXt", "zTXt", "iTXt", "eXIf", "tIME"]

  fileprivate static func stripped(_ bytes: Span<UInt8>, _ limits: ImageLimits) throws(ImageError) -> [UInt8] {
    var result = StrippedFile(bytes, 0..<PNGChunk.signature.count)
    _ = try PNGChunk.forEach(in: bytes, limits) { (chunk) throws(ImageError) in
      if !metadata.contains(chunk.type) { result.keep(bytes, chunk.range) }
    }
    return result.bytes
  }
}

extension JPEGFormat {
  fileprivate static func stripped(_ bytes: Span<UInt8>, _ limits: ImageLimits) throws(ImageError) -> [UInt8] {
    var result = StrippedFile(bytes, 0..<2)
    var (offset, budget) = (2, PartBudget(.jpeg, limits))
    while true {
      try budget.take()
      let start = offset
      let segment = try Segment.read(bytes, at: start)
      offset = segment.marker == Marker.scan ? try entropyEnd(bytes, from: segment.end) : segment.end
      if !segment.isMetadata { result.keep(bytes, start..<offset) }
      if segment.marker == Marker.end { return result.bytes }
    }
  }
}

extension WebPFormat {
  /// Bits of the extended header that say there is EXIF, XMP.
  private static let metadataFlags: UInt8 = 0x08 | 0x04

  fileprivate static func stripped(_ bytes: Span<UInt8>, _ limits: ImageLimits) throws(ImageError) -> [UInt8] {
    var result = StrippedFile(bytes, 0..<12)
    var (offset, budget) = (12, PartBudget(.webp, limits))
    let end = try end(of: bytes)
    while offset < end {
      try budget.take()
      let chunk = try Chunk.read(bytes, at: offset, end: end, isWhole: true)
      let start = offset
      offset = chunk.next(before: end)
      guard chunk.type != "EXIF", chunk.type != "XMP " else { continue }
      if chunk.type == "VP8X", !chunk.data.isEmpty {
        result.keep(bytes, start..<chunk.data.lowerBound)
        result.bytes.append(bytes[chunk.data.lowerBound] & ~metadataFlags)
        result.keep(bytes, (chunk.data.lowerBound + 1)..<offset)
      } else {
        result.keep(bytes, start..<offset)
      }
    }
    let count = UInt32(truncatingIfNeeded: result.bytes.count - 8)
    for index in 0..<4 { result.bytes[4 + index] = UInt8(truncatingIfNeeded: count >> (8 * index)) }
    return result.bytes
  }
}

/// A file that is made of parts of another.
private struct StrippedFile {
  var bytes: [UInt8] = []

  init(_ original: Span<UInt8>, _ head: Range<Int>) {
    bytes.reserveCapacity(original.count)
    keep(original, head)
  }

  mutating func keep(_ original: Span<UInt8>, _ range: Range<Int>) {
    original.extracting(range).withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
  }
}
