import ImageKit
import Testing

@Suite("What bytes begin as")
struct MediaFormatTests {
  @Test("Each picture is known by its bytes", arguments: Fixture.all.map(\.name))
  func pictures(name: String) throws {
    let bytes = try #require(Fixture.all.first { $0.name == name }).bytes
    let format = try #require(MediaFormat.detect(bytes))
    #expect(format.isImage)
    #expect(name.hasPrefix(format.rawValue))
  }

  static let known: [(MediaFormat, [UInt8])] = [
    (.mp4, [0, 0, 0, 24] + ascii("ftypisom") + [0, 0, 2, 0] + ascii("isommp42")),
    (.mp4, [0, 0, 0, 20] + ascii("ftypM4V ") + [0, 0, 0, 0] + ascii("M4V ")),
    (.webm, [0x1A, 0x45, 0xDF, 0xA3, 0x9F, 0x42, 0x86, 0x81, 1, 0x42, 0x82, 0x84] + ascii("webm") + [0x42, 0x87]),
    (.wav, ascii("RIFF") + [36, 0, 0, 0] + ascii("WAVEfmt ")),
    (.flac, ascii("fLaC") + [0, 0, 0, 34]),
    (.mp3, ascii("ID3") + [4, 0, 0, 0, 0, 0, 0]),
    (.mp3, [0xFF, 0xFB, 0x90, 0x64, 0, 0]),
    (.ogg, ascii("OggS") + [0, 2, 0, 0]),
    (.plainText, ascii("a cat\r\non a mat\t.\n")),
    (.plainText, Array("naïve 猫 🐈".utf8)),
    (.plainText, ascii("<!DOCTYPE html><title>502</title>")),
    (.plainText, ascii(#"{"detail":"Not Found"}"#)),
  ]

  @Test("Sound, video and text are known by their bytes", arguments: known.indices)
  func others(index: Int) {
    let (format, bytes) = Self.known[index]
    #expect(MediaFormat.detect(bytes) == format)
    #expect(!format.isImage)
  }

  static let unknown: [[UInt8]] = [
    [], [0], [0xFF], [0xFF, 0xD8], ascii("RIFF") + [4, 0, 0, 0] + ascii("AVI "),
    [0, 0, 0, 24] + ascii("ftypheic") + [0, 0, 0, 0] + ascii("heicmif1"),
    [0x1A, 0x45, 0xDF, 0xA3, 0x42, 0x82, 0x88] + ascii("matroska"),
    [0xFF, 0xFE, 0x41, 0x00], [0xFF, 0xF1, 0x50, 0x80], [0x1F, 0x8B, 8, 0], ascii("text\u{0}with NUL"), [0xC3, 0x28],
  ]

  @Test("What is none of these has no format", arguments: unknown)
  func strangers(bytes: [UInt8]) {
    #expect(MediaFormat.detect(bytes) == nil)
  }

  @Test("A long text is text wherever the look at it ends", arguments: 0..<4)
  func longText(shift: Int) {
    let text = [UInt8](repeating: 0x20, count: shift) + Array("🐈".utf8).repeated(20_000)
    #expect(MediaFormat.detect(text) == .plainText)
  }

  @Test("A slice is looked at from its own beginning")
  func slice() {
    let padded = [0, 0, 0] + Fixture.png + [0]
    let slice = padded[3...]
    let format = MediaFormat.detect(slice.span)
    #expect(format == .png)
    #expect(MediaFormat.detect(padded) == nil)
  }

  @Test("Media types and file endings are those in common use")
  func names() {
    #expect(MediaFormat.png.mediaType == "image/png" && MediaFormat.png.fileExtension == ".png")
    #expect(MediaFormat.jpeg.mediaType == "image/jpeg" && MediaFormat.jpeg.fileExtension == ".jpg")
    #expect(MediaFormat.mp3.mediaType == "audio/mpeg" && MediaFormat.mp3.fileExtension == ".mp3")
    #expect(Set(MediaFormat.allCases.map(\.mediaType)).count == MediaFormat.allCases.count)
    #expect(Set(MediaFormat.allCases.map(\.fileExtension)).count == MediaFormat.allCases.count)
  }
}

private func ascii(_ text: String) -> [UInt8] { Array(text.utf8) }

extension [UInt8] {
  fileprivate func repeated(_ count: Int) -> [UInt8] { (0..<count).flatMap { _ in self } }
}
