import ImageKit
import Testing

@Suite("Faults of the other formats")
struct FormatFaultTests {
  /// The code with which a changed fixture is refused.
  private func code(_ bytes: [UInt8], _ change: (inout [UInt8]) throws -> Void) throws -> ImageError.Code {
    var changed = bytes
    try change(&changed)
    return try #require(throws: ImageError.self) { try ImageInfo.verify(changed) }.code
  }

  private func offset(of name: String, in bytes: [UInt8]) throws -> Int {
    let name = Array(name.utf8)
    return try #require(bytes.indices.dropLast(3).first { Array(bytes[$0..<($0 + 4)]) == name })
  }

  @Test("JPEG: no frame, two frames, no scan, an impossible frame, a zero height")
  func jpeg() throws {
    let bytes = Fixture.jpeg
    let frame = try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
    let length = Int(bytes[frame + 2]) << 8 | Int(bytes[frame + 3])
    let segment = frame..<(frame + 2 + length)
    #expect(try code(bytes) { $0.removeSubrange(segment) } == .malformed)
    #expect(try code(bytes) { $0.insert(contentsOf: bytes[segment], at: frame) } == .malformed)
    #expect(try code(bytes) { $0 = $0[..<segment.upperBound] + [0xFF, 0xD9] } == .malformed)
    #expect(try code(bytes) { $0[frame + 9] = 5 } == .malformed)
    #expect(try code(bytes) { $0.replaceSubrange((frame + 5)..<(frame + 7), with: [0, 0]) } == .malformed)
    #expect(
      try code(bytes) { $0.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0xFF, 0xFF, 0xFF]) } == .overLimit)
    #expect(try code(bytes) { $0.removeLast(2) } == .truncated)
  }

  @Test("JPEG: bytes that fill before a marker are borne")
  func jpegFill() throws {
    var bytes = Fixture.jpeg
    bytes.insert(contentsOf: [0xFF, 0xFF], at: 2)
    bytes.insert(contentsOf: [0xFF, 0xFF], at: bytes.count - 2)
    #expect(try ImageInfo.verify(bytes).isComplete)
  }

  @Test("WebP: a canvas of another size than its picture, a bomb, a wrong count, no picture")
  func webp() throws {
    #expect(try code(Fixture.webpExtended) { $0[24] += 1 } == .malformed)
    #expect(
      try code(Fixture.webpExtended) { $0.replaceSubrange(24..<30, with: [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]) }
        == .overLimit)
    #expect(try code(Fixture.webpLossy) { $0[5] = 0xFF } == .truncated)
    #expect(try code(Fixture.webpLossy) { $0[23] = 0 } == .malformed)
    #expect(try code(Fixture.webpLossless) { $0[20] = 0 } == .malformed)
    #expect(try code(Fixture.webpExtended) { $0.replaceSubrange(4..<8, with: [22, 0, 0, 0]) } == .truncated)
    let frame = try offset(of: "ANMF", in: Fixture.webpAnimated)
    #expect(try code(Fixture.webpAnimated) { $0[frame + 8] = 9 } == .malformed)
  }

  @Test("GIF: no frame, an unknown block, an impossible code size, a frame that is a bomb")
  func gif() throws {
    let bytes = Fixture.gif
    #expect(try code(bytes) { $0 = Array("GIF89a".utf8) + [4, 0, 4, 0, 0, 0, 0, 0x3B] } == .malformed)
    #expect(try code(bytes) { $0[$0.count - 1] = 0x3C } == .malformed)
    #expect(try code(bytes) { $0.replaceSubrange(6..<10, with: [0, 0, 0, 0]) } == .malformed)
    #expect(try code(bytes) { $0.replaceSubrange(6..<10, with: [0xFF, 0xFF, 0xFF, 0xFF]) } == .overLimit)
    let colors = 13 + 3 << (Int(bytes[10] & 7) + 1)
    let frame = try #require(bytes.indices.first { $0 >= colors && bytes[$0] == 0x2C })
    #expect(
      try code(bytes) { $0.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0xFF, 0xFF, 0xFF]) } == .overLimit)
    #expect(try code(bytes) { $0[frame + 10] = 200 } == .malformed)
  }

  @Test("AVIF: a bomb, no size, an item beyond the end, an endless list")
  func avif() throws {
    let bytes = Fixture.avif
    let size = try offset(of: "ispe", in: bytes)
    #expect(
      try code(bytes) { $0.replaceSubrange((size + 8)..<(size + 16), with: [UInt8](repeating: 0x7F, count: 8)) }
        == .overLimit)
    #expect(try code(bytes) { $0.replaceSubrange((size + 8)..<(size + 12), with: [0, 0, 0, 0]) } == .malformed)
    #expect(try code(bytes) { $0[size] = 0x78 } == .malformed)
    let primary = try offset(of: "pitm", in: bytes)
    #expect(try code(bytes) { $0[primary] = 0x78 } == .malformed)
    let locations = try offset(of: "iloc", in: bytes)
    #expect(try code(bytes) { $0[locations] = 0x78 } == .malformed)
    let data = try offset(of: "mdat", in: bytes)
    #expect(try code(bytes) { $0.removeSubrange((data - 4)...) } == .truncated)
    // A data box that reaches to the end, and is cut: only the items' extents can tell.
    #expect(
      try code(bytes) {
        $0.replaceSubrange((data - 4)..<data, with: [0, 0, 0, 0])
        $0.removeLast()
      } == .truncated)
  }

  @Test("AVIF: lists of items that take no bytes end by the limit on parts")
  func avifEndless() throws {
    func box(_ type: String, _ content: [UInt8]) -> [UInt8] {
      RawPNG.big(UInt32(8 + content.count)) + Array(type.utf8) + content
    }
    // 1000 items of 65535 extents, whose numbers have no width.
    let items = (0..<1000).flatMap { _ in [0, 1, 0, 0, 0xFF, 0xFF] as [UInt8] }
    let meta = box(
      "meta",
      [0, 0, 0, 0] + box("pitm", [0, 0, 0, 0, 0, 1])
        + box(
          "iprp",
          box("ipco", box("ispe", [0, 0, 0, 0] + RawPNG.big(4) + RawPNG.big(3)))
            + box("ipma", [0, 0, 0, 0] + RawPNG.big(1) + [0, 1, 1, 1]))
        + box("iloc", [0, 0, 0, 0, 0, 0] + [0x03, 0xE8] + items))
    let avif = box("ftyp", Array("avif".utf8) + [0, 0, 0, 0] + Array("avif".utf8)) + meta
    #expect(try code(avif) { _ in } == .overLimit)
  }
}
