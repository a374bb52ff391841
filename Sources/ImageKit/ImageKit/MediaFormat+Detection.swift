extension MediaFormat {
  /// Tells the format from the first bytes, whatever a file name or a header claims.
  ///
  /// It says what the bytes begin as, not that they are whole: that is for `ImageInfo`. Text is what is UTF-8 without
  /// control characters in its first 64 KiB, so HTML and JSON are text too.
  /// - Returns: nil for bytes of no format known here, and for no bytes.
  public static func detect(_ bytes: Span<UInt8>) -> MediaFormat? {
    if bytes.begins(with: PNGChunk.signature) { return .png }
    if bytes.begins(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
    switch bytes.fourCC(at: 0) {
    case "RIFF":
      switch bytes.fourCC(at: 8) {
      case "WEBP": return .webp
      case "WAVE": return .wav
      default: return nil
      }
    case "GIF8":
      return bytes.begins(with: Array("GIF87a".utf8)) || bytes.begins(with: Array("GIF89a".utf8)) ? .gif : nil
    case "fLaC": return .flac
    case "OggS": return .ogg
    default: break
    }
    if bytes.fourCC(at: 4) == "ftyp" { return baseMedia(bytes) }
    if bytes.begins(with: [0x1A, 0x45, 0xDF, 0xA3]) { return isWebM(bytes) ? .webm : nil }
    if bytes.begins(with: Array("ID3".utf8)) || isMP3Frame(bytes) { return .mp3 }
    return isText(bytes) ? .plainText : nil
  }

  /// ISO base media by its brands (ISO/IEC 14496-12, 4.3): AVIF first, since its files name general brands as well.
  private static func baseMedia(_ bytes: Span<UInt8>) -> MediaFormat? {
    guard let size = bytes.bigEndian32(at: 0), size >= 16 else { return nil }
    let end = min(size, bytes.count, 16 + 4 * 64)
    var brands: [FourCC] = []
    for offset in [8] + Array(stride(from: 16, to: end, by: 4)) where offset + 4 <= end {
      if let brand = bytes.fourCC(at: offset) { brands.append(brand) }
    }
    if brands.contains(where: { $0 == "avif" || $0 == "avis" }) { return .avif }
    let videos: [FourCC] = [
      "isom", "iso2", "iso3", "iso4", "iso5", "iso6", "iso7", "iso8", "iso9", "mp41", "mp42", "avc1", "av01", "dash",
      "M4V ", "M4A ", "MSNV", "mp71",
    ]
    return brands.contains { videos.contains($0) } ? .mp4 : nil
  }

  /// An EBML header whose DocType element (0x4282) says `webm`; looked for in the first 64 bytes.
  private static func isWebM(_ bytes: Span<UInt8>) -> Bool {
    let wanted: [UInt8] = [0x42, 0x82, 0x84] + Array("webm".utf8)
    guard bytes.count >= 4 + wanted.count else { return false }
    return (4...min(64, bytes.count - wanted.count)).contains { bytes.matches(wanted, at: $0) }
  }

  /// An MPEG audio frame header of layer III with a possible bit rate and sample rate.
  private static func isMP3Frame(_ bytes: Span<UInt8>) -> Bool {
    guard bytes.count >= 4, bytes[0] == 0xFF, bytes[1] & 0xE0 == 0xE0 else { return false }
    let (version, layer) = (bytes[1] >> 3 & 3, bytes[1] >> 1 & 3)
    let (bitRate, sampleRate) = (bytes[2] >> 4, bytes[2] >> 2 & 3)
    return version != 1 && layer == 1 && bitRate != 0 && bitRate != 15 && sampleRate != 3
  }

  private static func isText(_ bytes: Span<UInt8>) -> Bool {
    guard bytes.count > 0 else { return false }
    let looked = bytes.extracting(first: 64 << 10)
    var end = looked.count
    if looked.count < bytes.count {
      // The look may end inside a character: go back to where that one starts.
      var back = 0
      while back < 3, end > 0, looked[end - 1] & 0xC0 == 0x80 { (end, back) = (end - 1, back + 1) }
      if end > 0, looked[end - 1] >= 0xC0 { end -= 1 } else { end = looked.count }
    }
    for index in 0..<end {
      let byte = looked[index]
      let isControl = byte < 0x20 && byte != 0x09 && byte != 0x0A && byte != 0x0C && byte != 0x0D
      if isControl || byte == 0x7F { return false }
    }
    return looked.extracting(first: end).isUTF8
  }
}
