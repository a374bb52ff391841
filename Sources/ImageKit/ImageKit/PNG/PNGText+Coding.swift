extension PNGText {
  /// Reads one text chunk; `left` is how many bytes of text may still come.
  static func decode(
    _ chunk: PNGChunk, _ bytes: Span<UInt8>, _ left: inout Int
  ) throws(ImageError) -> PNGText {
    let part = "PNG: chunk \(chunk.type.name) at offset \(chunk.range.lowerBound)"
    guard let (keywordRange, rest) = split(chunk.data, bytes), (1...79).contains(keywordRange.count) else {
      throw ImageError(.malformed, "\(part) has no keyword")
    }
    let keyword = string(latin1: bytes.array(keywordRange))
    switch chunk.type {
    case "tEXt":
      return PNGText(keyword, string(lenient: try plain(bytes, rest, &left, part)), storage: .latin1)
    case "zTXt":
      guard let compressed = compressedRange(of: chunk, in: bytes) else {
        throw ImageError(.malformed, "\(part) has an unknown compression")
      }
      let text = try inflated(bytes, compressed, &left, part)
      return PNGText(keyword, string(latin1: text), storage: .compressedLatin1)
    default:
      guard rest.count >= 2, bytes[rest.lowerBound] <= 1,
        let (languageRange, afterLanguage) = split((rest.lowerBound + 2)..<rest.upperBound, bytes),
        let (translatedRange, textRange) = split(afterLanguage, bytes)
      else { throw ImageError(.malformed, "\(part) is not international text") }
      let isCompressed = bytes[rest.lowerBound] == 1
      guard !isCompressed || bytes[rest.lowerBound + 1] == 0 else {
        throw ImageError(.malformed, "\(part) has an unknown compression")
      }
      let text = isCompressed ? try inflated(bytes, textRange, &left, part) : try plain(bytes, textRange, &left, part)
      return PNGText(
        keyword, String(decoding: text, as: UTF8.self),
        storage: .international(
          compressed: isCompressed, language: String(decoding: bytes.array(languageRange), as: UTF8.self),
          translatedKeyword: String(decoding: bytes.array(translatedRange), as: UTF8.self)))
    }
  }

  /// Where the zlib stream of a zTXt, a compressed iTXt or an iCCP chunk lies; nil if it has none that a decoder would read.
  static func compressedRange(of chunk: PNGChunk, in bytes: Span<UInt8>) -> Range<Int>? {
    guard let (_, rest) = split(chunk.data, bytes) else { return nil }
    if chunk.type == "iTXt" {
      guard rest.count >= 2, bytes[rest.lowerBound] == 1, bytes[rest.lowerBound + 1] == 0,
        let (_, afterLanguage) = split((rest.lowerBound + 2)..<rest.upperBound, bytes)
      else { return nil }
      return split(afterLanguage, bytes)?.rest
    }
    guard rest.count >= 1, bytes[rest.lowerBound] == 0 else { return nil }
    return (rest.lowerBound + 1)..<rest.upperBound
  }

  /// The chunk that holds this text.
  func encode() throws(ImageError) -> [UInt8] {
    guard let keyword = Self.latin1(keyword), Self.isKeyword(keyword) else {
      throw ImageError(.invalidArgument, "PNG: a text's keyword is 1 to 79 printable Latin-1 characters, well spaced")
    }
    guard !text.utf8.contains(0) else { throw ImageError(.invalidArgument, "PNG: text with a NUL in it") }
    switch storage {
    case .latin1, .compressedLatin1:
      guard let latin1 = Self.latin1(text) else {
        throw ImageError(.invalidArgument, "PNG: text beyond Latin-1 asks for iTXt")
      }
      guard storage == .latin1 else {
        return try PNGChunk.make("zTXt", keyword + [0, 0] + (try deflate(latin1, level: 6)))
      }
      return try PNGChunk.make("tEXt", keyword + [0] + latin1)
    case .international(let isCompressed, let language, let translatedKeyword):
      guard language.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !translatedKeyword.utf8.contains(0) else {
        throw ImageError(.invalidArgument, "PNG: a language tag is ASCII, and a keyword has no NUL")
      }
      var data = keyword + [0, isCompressed ? 1 : 0, 0]
      data += Array(language.utf8) + [0] + Array(translatedKeyword.utf8) + [0]
      data += isCompressed ? try deflate(Array(text.utf8), level: 6) : Array(text.utf8)
      return try PNGChunk.make("iTXt", data)
    }
  }

  /// The string in Latin-1, nil if it has other characters.
  static func latin1(_ string: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(string.utf8.count)
    for scalar in string.unicodeScalars {
      guard let byte = UInt8(exactly: scalar.value) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  private static func isKeyword(_ bytes: [UInt8]) -> Bool {
    (1...79).contains(bytes.count) && bytes.allSatisfy { (0x20...0x7E).contains($0) || $0 >= 0xA1 }
      && bytes.first != 0x20 && bytes.last != 0x20
      && !zip(bytes, bytes.dropFirst()).contains { $0 == 0x20 && $1 == 0x20 }
  }

  /// What lies before and after the first NUL.
  private static func split(_ range: Range<Int>, _ bytes: Span<UInt8>) -> (head: Range<Int>, rest: Range<Int>)? {
    let nul = bytes.firstOffset(of: 0, in: range)
    guard nul < range.upperBound else { return nil }
    return (range.lowerBound..<nul, (nul + 1)..<range.upperBound)
  }

  private static func plain(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ left: inout Int, _ part: String
  ) throws(ImageError) -> [UInt8] {
    guard range.count <= left else { throw ImageError(.overLimit, "\(part): too much text") }
    left -= range.count
    return bytes.array(range)
  }

  private static func inflated(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ left: inout Int, _ part: String
  ) throws(ImageError) -> [UInt8] {
    let result = try Inflater.inflateAll(bytes, range, limit: left, of: part)
    left -= result.count
    return result
  }

  private static func string(latin1 bytes: [UInt8]) -> String {
    String(decoding: bytes.map(UInt16.init), as: UTF16.self)
  }

  private static func string(lenient bytes: [UInt8]) -> String {
    String(validating: bytes, as: UTF8.self) ?? string(latin1: bytes)
  }
}
