import ImageKit
import Testing

/// A PNG that breaks one rule, and what is to be said of it.
struct MalformedPNG: Sendable, CustomTestStringConvertible {
  var name: String
  var bytes: [UInt8]
  var code: ImageError.Code
  var testDescription: String { name }

  init(_ name: String, _ code: ImageError.Code, _ bytes: [UInt8]) {
    (self.name, self.code, self.bytes) = (name, code, bytes)
  }

  static let all: [MalformedPNG] = headers + structures + data + text

  private static let headers: [MalformedPNG] = [
    .init("signature's first byte", .unknownFormat, [0x88] + RawPNG.sound().dropFirst()),
    .init("signature after a text-mode transfer", .unknownFormat, RawPNG.sound().filter { $0 != 0x0D }),
    .init("zero width", .malformed, sized(0, 3)),
    .init("zero height", .malformed, sized(4, 0)),
    .init("huge width", .overLimit, sized(0x7FFF_FFFF, 1)),
    .init("both sides beyond 2^31", .overLimit, sized(0xFFFF_FFFF, 0xFFFF_FFFF)),
    .init("many pixels", .overLimit, sized(16384, 16384)),
    .init("no header chunk", .malformed, RawPNG.file([RawPNG.data(RawPNG.rows(3, of: 4)), RawPNG.end])),
    .init(
      "header too short", .malformed, RawPNG.file([RawPNG.chunk("IHDR", RawPNG.big(4) + RawPNG.big(3)), RawPNG.end])),
    .init(
      "header's CRC", .malformed,
      RawPNG.file([RawPNG.chunk("IHDR", RawPNG.big(4) + RawPNG.big(3) + [8, 0, 0, 0, 0], crc: 1), RawPNG.end])),
    .init("gray of 3 bits", .malformed, shaped(bitDepth: 3, colorType: 0)),
    .init("RGB of 4 bits", .malformed, shaped(bitDepth: 4, colorType: 2)),
    .init("indices of 16 bits", .malformed, shaped(bitDepth: 16, colorType: 3)),
    .init("colour type 1", .malformed, shaped(bitDepth: 8, colorType: 1)),
    .init("colour type 7", .malformed, shaped(bitDepth: 8, colorType: 7)),
    .init("zero bits", .malformed, shaped(bitDepth: 0, colorType: 0)),
    .init("compression 1", .malformed, RawPNG.file([RawPNG.header(width: 4, height: 3, compression: 1), RawPNG.end])),
    .init("filter method 1", .malformed, RawPNG.file([RawPNG.header(width: 4, height: 3, filter: 1), RawPNG.end])),
    .init("interlace 2", .malformed, RawPNG.file([RawPNG.header(width: 4, height: 3, interlace: 2), RawPNG.end])),
  ]

  private static let structures: [MalformedPNG] = [
    .init("signature alone", .truncated, RawPNG.signature),
    .init("cut in the header", .truncated, Array(RawPNG.sound().prefix(20))),
    .init("cut behind the header", .truncated, Array(RawPNG.sound().prefix(33))),
    .init("cut in the image data", .truncated, Array(RawPNG.sound().prefix(50))),
    .init("cut before the end chunk", .truncated, Array(RawPNG.sound().dropLast(12))),
    .init("cut in the end chunk", .truncated, Array(RawPNG.sound().dropLast(1))),
    .init("no image data", .malformed, RawPNG.file([RawPNG.header(width: 4, height: 3), RawPNG.end])),
    .init("two headers", .malformed, RawPNG.sound(before: [RawPNG.header(width: 4, height: 3)])),
    .init("a second header, larger", .malformed, RawPNG.sound(before: [RawPNG.header(width: 4000, height: 3000)])),
    .init(
      "length beyond the file", .truncated, RawPNG.sound(before: [RawPNG.chunk("teSt", [1, 2, 3], length: 1 << 20)])),
    .init("length beyond 2^31", .malformed, RawPNG.sound(before: [RawPNG.chunk("teSt", [1], length: 0xFFFF_FFFF)])),
    .init(
      "length shorter than the chunk", .malformed, RawPNG.sound(before: [RawPNG.chunk("teSt", [1, 2, 3], length: 1)])),
    .init("an ancillary chunk's CRC", .malformed, RawPNG.sound(before: [RawPNG.chunk("tEXt", [65, 0, 66], crc: 7)])),
    .init("an unknown critical chunk", .malformed, RawPNG.sound(before: [RawPNG.chunk("TEST", [])])),
    .init("a chunk type of digits", .malformed, RawPNG.sound(before: [RawPNG.chunk("te5t", [])])),
    .init(
      "image data in two places", .malformed,
      RawPNG.sound(after: [RawPNG.chunk("tEXt", [65, 0]), RawPNG.data([0])])),
    .init("no palette", .malformed, indexed([])),
    .init("a palette behind the data", .malformed, indexed([], after: [RawPNG.chunk("PLTE", [1, 2, 3])])),
    .init("a palette of 4 bytes", .malformed, indexed([RawPNG.chunk("PLTE", [1, 2, 3, 4])])),
    .init("an empty palette", .malformed, indexed([RawPNG.chunk("PLTE", [])])),
    .init("257 colours", .malformed, indexed([RawPNG.chunk("PLTE", [UInt8](repeating: 9, count: 771))])),
    .init("two palettes", .malformed, indexed([RawPNG.chunk("PLTE", [1, 2, 3]), RawPNG.chunk("PLTE", [1, 2, 3])])),
    .init("an end chunk with content", .malformed, Array(RawPNG.sound().dropLast(12)) + RawPNG.chunk("IEND", [1])),
    .init("more chunks than allowed", .overLimit, RawPNG.sound(before: [[UInt8]](repeating: tiny, count: 70_000))),
    .init("an animation frame outside", .malformed, RawPNG.sound(before: [frame(x: 2, width: 3)])),
    .init("an animation frame of no width", .malformed, RawPNG.sound(before: [frame(x: 2, width: 0)])),
  ]

  private static let data: [MalformedPNG] = [
    .init("not a zlib stream", .malformed, with(RawPNG.chunk("IDAT", [1, 2, 3, 4, 5, 6, 7, 8]))),
    .init("empty image data", .truncated, with(RawPNG.chunk("IDAT", []))),
    .init("a zlib header alone", .truncated, with(RawPNG.chunk("IDAT", [0x78, 0x01]))),
    .init(
      "a preset dictionary", .malformed,
      with(RawPNG.chunk("IDAT", [0x78, 0x20, 0, 0, 0, 1] + RawPNG.stored([0]).dropFirst(2)))),
    .init(
      "a stream's checksum", .malformed,
      with(RawPNG.chunk("IDAT", Array(RawPNG.stored(RawPNG.rows(3, of: 4)).dropLast(4)) + [1, 2, 3, 4]))),
    .init("one scanline missing", .truncated, with(RawPNG.data(RawPNG.rows(2, of: 4)))),
    .init("one byte missing", .truncated, with(RawPNG.data(RawPNG.rows(3, of: 4).dropLast()))),
    .init("an unknown filter", .malformed, with(RawPNG.data([0, 1, 1, 1, 1, 5, 1, 1, 1, 1, 0, 1, 1, 1, 1]))),
    .init(
      "a small picture that inflates to 64 MB", .malformed, with(RawPNG.chunk("IDAT", RawPNG.bomb(matches: 260_000)))),
    .init("scanlines of 20 bits cut short", .truncated, shaped(bitDepth: 16, colorType: 6)),
  ]

  private static let text: [MalformedPNG] = [
    .init("zTXt that inflates to 16 MB", .overLimit, RawPNG.sound(before: [compressed("zTXt", [0])])),
    .init("iTXt that inflates to 16 MB", .overLimit, RawPNG.sound(before: [compressed("iTXt", [1, 0, 0, 0])])),
    .init("a profile that inflates to 16 MB", .overLimit, RawPNG.sound(before: [compressed("iCCP", [0])])),
    .init("text behind the data that inflates to 16 MB", .overLimit, RawPNG.sound(after: [compressed("zTXt", [0])])),
    .init(
      "many texts that inflate to 16 MB together", .overLimit,
      RawPNG.sound(
        before: [[UInt8]](
          repeating: RawPNG.chunk("zTXt", [65, 0, 0] + RawPNG.bomb(matches: 4000)), count: 16))),
  ]

  private static let tiny = RawPNG.chunk("teSt", [])

  private static func sized(_ width: UInt32, _ height: UInt32) -> [UInt8] {
    RawPNG.file([RawPNG.header(width: width, height: height), RawPNG.data(RawPNG.rows(3, of: 4)), RawPNG.end])
  }

  private static func shaped(bitDepth: UInt8, colorType: UInt8) -> [UInt8] {
    let header = RawPNG.header(width: 4, height: 3, bitDepth: bitDepth, colorType: colorType)
    return RawPNG.file([header, RawPNG.chunk("PLTE", [1, 2, 3]), RawPNG.data(RawPNG.rows(3, of: 4)), RawPNG.end])
  }

  private static func indexed(_ before: [[UInt8]], after: [[UInt8]] = []) -> [UInt8] {
    let header = RawPNG.header(width: 4, height: 3, colorType: 3)
    return RawPNG.file([header] + before + [RawPNG.data(RawPNG.rows(3, of: 4))] + after + [RawPNG.end])
  }

  private static func with(_ data: [UInt8]) -> [UInt8] {
    RawPNG.file([RawPNG.header(width: 4, height: 3), data, RawPNG.end])
  }

  private static func compressed(_ type: String, _ prefix: [UInt8]) -> [UInt8] {
    RawPNG.chunk(type, [65, 0] + prefix + RawPNG.bomb(matches: 65_000))
  }

  private static func frame(x: UInt32, width: UInt32) -> [UInt8] {
    RawPNG.chunk(
      "fcTL", [0, width, 3, x, 0].flatMap(RawPNG.big) + [0, 1, 0, 10, 0, 0])
  }
}
