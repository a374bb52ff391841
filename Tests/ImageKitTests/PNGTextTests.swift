import ImageKit
import Testing

@Suite("Text in PNGs")
struct PNGTextTests {
  @Test("All three kinds are read as another writer wrote them")
  func read() throws {
    let texts = try PNGText.read(from: Fixture.png)
    #expect(texts.map(\.keyword) == ["parameters", "café", "title", "comment"])
    #expect(
      texts.map(\.text) == [
        "a cat\nNegative prompt: dog\nSteps: 2, Seed: 7", "crème brûlée", "猫", String(repeating: "猫", count: 40),
      ])
    #expect(
      texts.map(\.storage) == [
        .latin1, .compressedLatin1, .international(),
        .international(compressed: true, language: "ja", translatedKeyword: "コメント"),
      ])
  }

  @Test("Latin-1 that is really UTF-8 is read as UTF-8, other Latin-1 as itself")
  func misused() throws {
    let png = RawPNG.sound(before: [
      RawPNG.chunk("tEXt", Array("parameters\0猫, naïve".utf8)), RawPNG.chunk("tEXt", [65, 0, 0x63, 0xE9]),
    ])
    #expect(try PNGText.read(from: png).map(\.text) == ["猫, naïve", "cé"])
  }

  static let texts = [
    "", "plain", "line\nline", "crème", "Ã©", "猫 and dog", "🐈", String(repeating: "long ", count: 9000),
  ]

  @Test("What is inserted reads back, and the picture stays whole", arguments: texts)
  func insert(text: String) throws {
    for written in [
      PNGText("parameters", text), PNGText("parameters", text, storage: .international()),
      PNGText("parameters", text, storage: .international(compressed: true, language: "en", translatedKeyword: "é")),
    ] {
      let png = try PNGText.insert([written], into: Fixture.png)
      #expect(try ImageInfo.verify(png).isComplete)
      #expect(try PNGText.read(from: png).last == written)
      #expect(try PNGText.read(from: png).count == 5)
    }
  }

  @Test("Latin-1 goes to tEXt, all else to iTXt")
  func choice() {
    #expect(PNGText("a", "crème").storage == .latin1)
    #expect(PNGText("a", "猫").storage == .international())
    // As tEXt these bytes would be read as UTF-8.
    #expect(PNGText("a", "Ã©").storage == .international())
  }

  @Test("Replacing leaves one text of the keyword, and the others where they were")
  func replace() throws {
    let twice = try PNGText.insert([PNGText("parameters", "second")], into: Fixture.png)
    let png = try PNGText.replace([PNGText("parameters", "new")], in: twice)
    #expect(try PNGText.read(from: png).map(\.keyword) == ["café", "title", "comment", "parameters"])
    #expect(try PNGText.read(from: png).last?.text == "new")
    #expect(try PNGText.replace([PNGText("parameters", "new")], in: png) == png)
  }

  @Test("Stripping keeps all other chunks byte for byte, and nothing behind the end")
  func strip() throws {
    let other = RawPNG.chunk("teSt", [1, 2, 3])
    let texts = [
      RawPNG.chunk("tEXt", Array("prompt\0x".utf8)), RawPNG.chunk("zTXt", [65, 0, 9, 9]), RawPNG.chunk("iTXt", []),
    ]
    let png = RawPNG.sound(before: [texts[0], other, texts[1]], after: [texts[2], other])
    #expect(try PNGText.strip(from: (png + Array("secret".utf8))) == RawPNG.sound(before: [other], after: [other]))
    #expect(try PNGText.read(from: try PNGText.strip(from: Fixture.png)).isEmpty)
    #expect(try PNGText.strip(from: Fixture.pngAnimated) == Fixture.pngAnimated)
  }

  @Test("Stripping by keyword leaves the others")
  func stripSome() throws {
    let png = try PNGText.strip(from: Fixture.png, keywords: ["parameters", "café", "absent"])
    #expect(try PNGText.read(from: png).map(\.keyword) == ["title", "comment"])
    #expect(try ImageInfo.verify(png).isComplete)
  }

  @Test("A file cut anywhere is neither rewritten nor read")
  func truncated() {
    for count in Fixture.png.indices {
      let bytes = Array(Fixture.png[..<count])
      #expect(throws: ImageError.self) { try PNGText.read(from: bytes) }
      #expect(throws: ImageError.self) { try PNGText.strip(from: bytes) }
      #expect(throws: ImageError.self) { try PNGText.insert([PNGText("a", "b")], into: bytes) }
    }
  }

  @Test(
    "Text that a chunk cannot hold is refused",
    arguments: [
      PNGText("", "x"), PNGText(String(repeating: "k", count: 80), "x"), PNGText(" k", "x"), PNGText("k ", "x"),
      PNGText("a  b", "x"), PNGText("猫", "x"), PNGText("a\nb", "x"), PNGText("k", "a\0b"),
      PNGText("k", "猫", storage: .latin1), PNGText("k", "猫", storage: .compressedLatin1),
      PNGText("k", "x", storage: .international(language: "en\0")),
      PNGText("k", "x", storage: .international(translatedKeyword: "\0")),
    ])
  func refused(text: PNGText) throws {
    let error = try #require(throws: ImageError.self) { try PNGText.insert([text], into: Fixture.png) }
    #expect(error.code == .invalidArgument)
  }

  @Test("The bound on text counts all of a file's texts")
  func limit() throws {
    let png = try PNGText.insert(
      [
        PNGText("a", String(repeating: "x", count: 600)),
        PNGText("b", String(repeating: "x", count: 600), storage: .compressedLatin1),
      ], into: RawPNG.sound())
    #expect(try PNGText.read(from: png, limits: ImageLimits(maxTextBytes: 1200)).count == 2)
    let error = try #require(throws: ImageError.self) {
      try PNGText.read(from: png, limits: ImageLimits(maxTextBytes: 1199))
    }
    #expect(error.code == .overLimit)
  }

  @Test(
    "Broken text chunks are refused, not guessed at",
    arguments: [
      RawPNG.chunk("tEXt", []), RawPNG.chunk("tEXt", Array("no end".utf8)), RawPNG.chunk("tEXt", [0, 65]),
      RawPNG.chunk("tEXt", [UInt8](repeating: 65, count: 80) + [0]), RawPNG.chunk("zTXt", [65, 0]),
      RawPNG.chunk("zTXt", [65, 0, 1, 2]), RawPNG.chunk("zTXt", [65, 0, 0, 0x78, 0x01]), RawPNG.chunk("iTXt", [65, 0]),
      RawPNG.chunk("iTXt", [65, 0, 2, 0, 0, 0]), RawPNG.chunk("iTXt", [65, 0, 0, 0, 0]),
      RawPNG.chunk("iTXt", [65, 0, 1, 1, 0, 0]), RawPNG.chunk("tEXt", [65, 0, 66], crc: 0),
    ])
  func broken(chunk: [UInt8]) throws {
    let error = try #require(throws: ImageError.self) { try PNGText.read(from: RawPNG.sound(before: [chunk])) }
    #expect(error.code == .malformed)
  }
}
