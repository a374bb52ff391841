import ImageKit
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@Suite("Malformed PNGs")
struct MalformedPNGTests {
  @Test("Each is refused, for its own fault", arguments: MalformedPNG.all)
  func refused(png: MalformedPNG) throws {
    let error = try #require(throws: ImageError.self) { try ImageInfo.verify(png.bytes) }
    #expect(error.code == png.code, "\(error)")
    #expect(!error.message.isEmpty)
  }

  @Test("There are 23 and more, no two alike, and each says what is wrong with it")
  func distinct() throws {
    let all = MalformedPNG.all
    #expect(all.count >= 23)
    #expect(Set(all.map(\.bytes)).count == all.count && Set(all.map(\.name)).count == all.count)
    let told = Set(
      all.compactMap { png in
        #expect(throws: ImageError.self) { try ImageInfo.verify(png.bytes) }?.message
      })
    #expect(told.count >= 23, "\(told.sorted())")
  }

  @Test("The file that the malformed ones are made from is sound")
  func sound() throws {
    let info = try ImageInfo.verify(RawPNG.sound())
    #expect(info.width == 4 && info.height == 3)
    #expect(try ImageInfo.verify(RawPNG.sound(before: [RawPNG.chunk("teSt", [1, 2, 3])])).isComplete)
  }

  @Test("Empty and split image data is sound")
  func splitData() throws {
    let stream = RawPNG.stored(RawPNG.rows(3, of: 4))
    let chunks = [RawPNG.chunk("IDAT", [])] + stream.map { RawPNG.chunk("IDAT", [$0]) }
    #expect(try ImageInfo.verify(RawPNG.file([RawPNG.header(width: 4, height: 3)] + chunks + [RawPNG.end])).isComplete)
  }

  @Test("A little more image data than needed is borne")
  func surplus() throws {
    let png = RawPNG.file([RawPNG.header(width: 4, height: 3), RawPNG.data(RawPNG.rows(9, of: 4)), RawPNG.end])
    #expect(try ImageInfo.verify(png).isComplete)
  }

  @Test("Broken compressed text does not spoil a picture, and is told apart from it")
  func brokenText() throws {
    let png = RawPNG.sound(before: [RawPNG.chunk("zTXt", [65, 0, 0, 1, 2, 3])])
    #expect(try ImageInfo.verify(png).isComplete)
    let error = try #require(throws: ImageError.self) { try PNGText.read(from: png) }
    #expect(error.code == .malformed)
  }

  @Test("Bombs do not grow the process")
  func memory() async {
    await #expect(processExitsWith: .success) {
      // 16384x4096 RGBA of 16 bits would be 512 MiB of scanlines; the data goes on for 256 MB of them.
      let header = RawPNG.header(width: 16384, height: 4096, bitDepth: 16, colorType: 6)
      let picture = RawPNG.file([header, RawPNG.chunk("IDAT", RawPNG.bomb(matches: 1_000_000)), RawPNG.end])
      let text = RawPNG.sound(before: [RawPNG.chunk("zTXt", [65, 0, 0] + RawPNG.bomb(matches: 1_000_000))])
      func peakKiB() -> Int {
        var usage = rusage()
        #if canImport(Glibc)
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
        getrusage(RUSAGE_SELF, &usage)
        #endif
        return Int(usage.ru_maxrss)
      }
      let before = peakKiB()
      #expect(throws: ImageError.self) { try ImageInfo.verify(picture) }
      #expect(throws: ImageError.self) { try ImageInfo.verify(text) }
      #expect(throws: ImageError.self) { try PNGText.read(from: text) }
      precondition(peakKiB() - before < 64 << 10, "grew by \(peakKiB() - before) KiB")
    }
  }
}
