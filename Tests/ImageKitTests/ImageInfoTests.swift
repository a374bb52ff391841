import ImageKit
import Testing

@Suite("What a picture's bytes say of it")
struct ImageInfoTests {
  static let sizes: [(String, [UInt8], Int, Int, Bool)] = [
    ("png", Fixture.png, 13, 7, false), ("pngIndexed", Fixture.pngIndexed, 16, 16, false),
    ("pngGray16", Fixture.pngGray16, 5, 3, false), ("pngInterlaced", Fixture.pngInterlaced, 9, 5, false),
    ("pngAnimated", Fixture.pngAnimated, 8, 8, true), ("jpeg", Fixture.jpeg, 17, 9, false),
    ("jpegProgressive", Fixture.jpegProgressive, 33, 19, false), ("jpegRestarts", Fixture.jpegRestarts, 40, 24, false),
    ("jpegGray", Fixture.jpegGray, 8, 5, false), ("webpLossy", Fixture.webpLossy, 21, 10, false),
    ("webpLossless", Fixture.webpLossless, 9, 11, false), ("webpExtended", Fixture.webpExtended, 12, 14, false),
    ("webpAlpha", Fixture.webpAlpha, 10, 10, false), ("webpAnimated", Fixture.webpAnimated, 16, 12, true),
    ("gif", Fixture.gif, 15, 6, false), ("gifAnimated", Fixture.gifAnimated, 14, 9, true),
    ("avif", Fixture.avif, 24, 18, false), ("avifAnimated", Fixture.avifAnimated, 16, 16, true),
  ]

  @Test("A sound file shows its size and is complete", arguments: sizes.indices)
  func sound(index: Int) throws {
    let (name, bytes, width, height, isAnimated) = Self.sizes[index]
    let info = try ImageInfo.inspect(bytes)
    #expect(name.hasPrefix(info.format.rawValue))
    #expect(info.width == width && info.height == height)
    #expect(info.isAnimated == isAnimated)
    #expect(info.isComplete, "\(name): \(String(describing: info.fault))")
  }

  @Test("Every fixture is in the table")
  func tableIsWhole() {
    #expect(Set(Self.sizes.map(\.0)) == Set(Fixture.all.map(\.name)))
  }

  @Test("Bytes behind the end are not held against a picture", arguments: ["png", "jpeg", "webpLossy", "gif"])
  func trailing(name: String) throws {
    let bytes = try #require(Fixture.all.first { $0.name == name }).bytes
    #expect(try ImageInfo.verify((bytes + [1, 2, 3, 4, 5])).isComplete)
  }

  @Test("Cut anywhere, a picture is never complete", arguments: Fixture.all.map(\.name))
  func truncated(name: String) throws {
    let bytes = try #require(Fixture.all.first { $0.name == name }).bytes
    for count in bytes.indices {
      let prefix = Array(bytes[..<count])
      if let info = try? ImageInfo.inspect(prefix) {
        #expect(!info.isComplete, "\(name) cut to \(count) bytes")
      }
      #expect(throws: ImageError.self) { try ImageInfo.verify(prefix) }
    }
  }

  @Test(
    "Any changed byte of a PNG is noticed",
    arguments: ["png", "pngIndexed", "pngGray16", "pngInterlaced", "pngAnimated"])
  func changedByte(name: String) throws {
    let bytes = try #require(Fixture.all.first { $0.name == name }).bytes
    for index in bytes.indices {
      for bit in 0..<8 {
        var changed = bytes
        changed[index] ^= 1 << bit
        #expect(throws: ImageError.self, "\(name): bit \(bit) of byte \(index)") { try ImageInfo.verify(changed) }
      }
    }
  }

  @Test("Damage of any kind ends in an answer or an ImageError", arguments: Fixture.all.map(\.name))
  func damaged(name: String) throws {
    let bytes = try #require(Fixture.all.first { $0.name == name }).bytes
    var random = SplitMix(state: UInt64(bytes.count))
    for _ in 0..<1500 {
      var changed = bytes
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let index = Int.random(in: 0..<changed.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: changed[index] = .random(in: 0...255, using: &random)
        case 1: changed[index] = Bool.random(using: &random) ? 0 : 0xFF
        case 2: changed.insert(.random(in: 0...255, using: &random), at: index)
        default: if changed.count > 1 { changed.remove(at: index) }
        }
      }
      if let info = try? ImageInfo.inspect(changed) {
        #expect(info.width > 0 && info.height > 0 && info.width * info.height <= ImageLimits().maxPixels)
      }
      _ = try? PNGText.read(from: changed)
      _ = try? PNGText.strip(from: changed)
    }
  }

  @Test("Limits hold for every format", arguments: sizes.indices)
  func limits(index: Int) throws {
    let (_, bytes, width, height, _) = Self.sizes[index]
    let fitting = ImageLimits(maxBytes: bytes.count, maxPixels: width * height, maxWidth: width, maxHeight: height)
    #expect(try ImageInfo.verify(bytes, limits: fitting).isComplete)
    for narrow in [
      \ImageLimits.maxBytes, \ImageLimits.maxPixels, \ImageLimits.maxWidth, \ImageLimits.maxHeight,
    ] as [WritableKeyPath<ImageLimits, Int> & Sendable] {
      var limits = fitting
      limits[keyPath: narrow] -= 1
      let error = try #require(throws: ImageError.self) { try ImageInfo.inspect(bytes, limits: limits) }
      #expect(error.code == .overLimit)
    }
    let error = try #require(throws: ImageError.self) {
      try ImageInfo.inspect(bytes, limits: ImageLimits(maxChunks: 0))
    }
    #expect(error.code == .overLimit)
  }

  @Test("What is not a picture is named")
  func notPictures() throws {
    let empty = try #require(throws: ImageError.self) { try ImageInfo.inspect([UInt8]()) }
    #expect(empty.code == .empty)
    let html = try #require(throws: ImageError.self) { try ImageInfo.inspect(Array("<html>".utf8)) }
    #expect(html.code == .notAnImage && html.message.contains("text"))
    let unknown = try #require(throws: ImageError.self) { try ImageInfo.inspect([UInt8](repeating: 1, count: 99)) }
    #expect(unknown.code == .unknownFormat)
  }
}

/// A small generator of numbers, the same each run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
