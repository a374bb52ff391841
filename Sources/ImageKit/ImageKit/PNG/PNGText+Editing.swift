extension PNGText {
  /// Puts texts into a PNG, before its image data, beside those it has.
  ///
  /// Everything else stays byte for byte.
  /// - Returns: the new file.
  /// - Throws: `ImageError` for a file whose chunks cannot be followed to the end, and texts that cannot be written.
  public static func insert(
    _ texts: [PNGText], into bytes: Span<UInt8>, limits: ImageLimits = ImageLimits()
  ) throws(ImageError) -> [UInt8] {
    try rewrite(bytes, limits, adding: texts, removing: [], all: false)
  }

  /// Puts texts into a PNG in place of all that have the same keywords.
  ///
  /// Everything else stays byte for byte.
  /// - Returns: the new file.
  /// - Throws: `ImageError` for a file whose chunks cannot be followed to the end, and texts that cannot be written.
  public static func replace(
    _ texts: [PNGText], in bytes: Span<UInt8>, limits: ImageLimits = ImageLimits()
  ) throws(ImageError) -> [UInt8] {
    try rewrite(bytes, limits, adding: texts, removing: Set(texts.map(\.keyword)), all: false)
  }

  /// Removes all texts from a PNG, and what follows its end; with `keywords`, the texts of those keywords only.
  ///
  /// All other chunks stay byte for byte. The texts are not read, so broken ones are removed too.
  /// - Returns: the new file.
  /// - Throws: `ImageError` for a file whose chunks cannot be followed to the end.
  public static func strip(
    from bytes: Span<UInt8>, keywords: Set<String>? = nil, limits: ImageLimits = ImageLimits()
  ) throws(ImageError) -> [UInt8] {
    try rewrite(bytes, limits, adding: [], removing: keywords ?? [], all: keywords == nil)
  }

  private static func rewrite(
    _ bytes: Span<UInt8>, _ limits: ImageLimits, adding texts: [PNGText], removing keywords: Set<String>, all: Bool
  ) throws(ImageError) -> [UInt8] {
    try limits.check(byteCount: bytes.count)
    var added: [UInt8] = []
    for text in texts { added += try text.encode() }
    let removed = Set(keywords.compactMap(latin1))
    var (isPlaced, isKept) = (false, true)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + added.count)
    append(bytes, 0..<min(bytes.count, PNGChunk.signature.count), to: &result)
    let end = try PNGChunk.forEach(in: bytes, limits) { (chunk) throws(ImageError) in
      if !isPlaced, chunk.type == "IDAT" || chunk.type == "IEND" {
        result += added
        isPlaced = true
      }
      isKept = !(isText(chunk) && (all || removed.contains(keywordBytes(of: chunk, bytes))))
      if isKept { append(bytes, chunk.range, to: &result) }
    }
    if !all { append(bytes, end..<bytes.count, to: &result) }
    return result
  }

  private static func append(_ bytes: Span<UInt8>, _ range: Range<Int>, to result: inout [UInt8]) {
    bytes.extracting(range).withUnsafeBufferPointer { result.append(contentsOf: $0) }
  }

  private static func keywordBytes(of chunk: PNGChunk, _ bytes: Span<UInt8>) -> [UInt8] {
    bytes.array(chunk.data.lowerBound..<bytes.firstOffset(of: 0, in: chunk.data))
  }
}
