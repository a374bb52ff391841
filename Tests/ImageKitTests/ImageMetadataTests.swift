import ImageKit
import Testing

@Suite("Metadata of pictures")
struct ImageMetadataTests {
  private static let note = Array("a secret lighthouse".utf8)

  private func strip(_ bytes: [UInt8], limits: ImageLimits = ImageLimits()) throws(ImageError) -> [UInt8]? {
    try ImageMetadata.strip(from: bytes.span, limits: limits)
  }

  private func hasNote(_ bytes: [UInt8]) -> Bool { bytes.firstRange(of: Self.note) != nil }

  @Test("goes out of a PNG, in whatever chunk it is")
  func png() throws {
    let texts: [PNGText] = [
      PNGText("parameters", "a secret lighthouse"), PNGText("prompt", "灯台"),
      PNGText("workflow", "a secret lighthouse", storage: .compressedLatin1),
    ]
    let plain = try #require(try strip(Fixture.png))
    #expect(try PNGText.read(from: plain).isEmpty)
    let written = try PNGText.insert(texts, into: plain)
    #expect(try strip(written + Self.note) == plain)
    #expect(hasNote(written))
  }

  @Test("goes out of a JPEG, and the colour profile does not")
  func jpeg() throws {
    func segment(_ marker: UInt8, _ content: [UInt8]) -> [UInt8] {
      [0xFF, marker, UInt8((content.count + 2) >> 8), UInt8((content.count + 2) & 0xFF)] + content
    }
    for original in [Fixture.jpeg, Fixture.jpegProgressive, Fixture.jpegRestarts, Fixture.jpegGray] {
      let profile = segment(0xE2, Array("ICC_PROFILE\0".utf8))
      let exif = segment(0xE1, Array("Exif\0\0".utf8) + Self.note)
      let comment = segment(0xFE, Self.note)
      let noted = original[..<2] + exif + profile + segment(0xED, Self.note) + comment + original[2...]
      #expect(try strip(Array(noted) + Self.note) == Array(original[..<2] + profile + original[2...]))
    }
  }

  @Test("goes out of a WebP, and its header no longer speaks of it")
  func webp() throws {
    func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
      let count = UInt32(content.count)
      return Array(name.utf8) + (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + content
        + (content.count % 2 == 1 ? [0] : [])
    }
    func file(_ chunks: [UInt8]) -> [UInt8] { Array(chunk("RIFF", Array("WEBP".utf8) + chunks)) }
    let picture = Array(Fixture.webpLossy[12...])
    func header(_ flags: UInt8) -> [UInt8] {
      let info = try? ImageInfo.inspect(Fixture.webpLossy)
      let (width, height) = (UInt8((info?.width ?? 1) - 1), UInt8((info?.height ?? 1) - 1))
      return chunk("VP8X", [flags, 0, 0, 0, width, 0, 0, height, 0, 0])
    }
    let noted = file(header(0x0C) + picture + chunk("EXIF", Self.note) + chunk("XMP ", Self.note))
    let stripped = try #require(try strip(noted + Self.note))
    #expect(stripped == file(header(0) + picture))
    #expect(hasNote(noted) && !hasNote(stripped))
    #expect(try ImageInfo.verify(stripped).isComplete)
    #expect(try strip(Fixture.webpLossless) == Fixture.webpLossless)
  }

  @Test("is none of other formats, and broken files are refused")
  func others() throws {
    #expect(try strip(Fixture.gif) == nil)
    #expect(try strip(Self.note) == nil)
    for bytes in [Fixture.png, Fixture.jpeg, Fixture.webpExtended] {
      #expect(throws: ImageError.self) { try strip(Array(bytes.dropLast(9))) }
    }
  }
}
