import ImageCodecs
import ImageKit
import Testing

extension Bitmap {
  /// A pixel's four channels.
  subscript(x: Int, y: Int) -> [UInt8] {
    let start = (y * width + x) * 4
    return Array(pixels[start..<(start + 4)])
  }

  /// The largest difference of any channel of any pixel.
  func distance(to other: Bitmap) -> Int {
    zip(pixels, other.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
  }
}

/// A PNG whose pixels a closure gives.
func png(_ width: Int, _ height: Int, _ color: (Int, Int) -> (UInt8, UInt8, UInt8)) throws -> [UInt8] {
  var samples: [UInt8] = []
  for y in 0..<height {
    for x in 0..<width {
      let (red, green, blue) = color(x, y)
      samples += [red, green, blue]
    }
  }
  return try PNGWriter().write(width: width, height: height, .rgb(samples))
}

func gradient(_ width: Int, _ height: Int) throws -> [UInt8] {
  try png(width, height) { x, y in (UInt8(x * 255 / width), UInt8(y * 255 / height), 90) }
}

@Suite("Pixels out of files, and into them")
struct BitmapTests {
  @Test("A PNG of RGB is read as it was written")
  func rgb() throws {
    let bitmap = try Bitmap(decoding: gradient(20, 10))
    #expect(bitmap.width == 20 && bitmap.height == 10 && !bitmap.hasAlpha)
    #expect(bitmap[0, 0] == [0, 0, 90, 255] && bitmap[10, 5] == [127, 127, 90, 255])
  }

  @Test("Interlaced PNGs, whole and made smaller")
  func interlaced() throws {
    let bitmap = try Bitmap(decoding: Fixture.interlacedPNG)
    #expect(bitmap.hasAlpha)
    for (x, y) in [(0, 0), (8, 4), (3, 1), (5, 2)] {
      #expect(bitmap[x, y] == [UInt8(28 * x), UInt8(60 * y), 128, UInt8(255 - 10 * x)])
    }
    let small = try Bitmap(decoding: Fixture.interlacedPNG, longestSide: 3)
    #expect(small.width == 3 && small.height == 2)
    #expect(small[0, 0][2] == 128 && small[2, 1][0] > small[0, 1][0])
  }

  @Test("Gray of 16 bits and palettes with transparency become RGBA")
  func expansion() throws {
    let gray = try Bitmap(decoding: Fixture.gray16PNG)
    #expect(gray[0, 0] == [0, 0, 0, 255] && gray[3, 1] == [223, 223, 223, 255])
    let palette = try Bitmap(decoding: Fixture.palettePNG)
    #expect(
      palette[0, 0] == [255, 0, 0, 255] && palette[1, 0] == [0, 255, 0, 128] && palette[2, 0] == [0, 0, 255, 0])
    #expect(palette[3, 1] == [255, 0, 0, 255])
  }

  @Test("Lossless encodings give the pixels back", arguments: [PictureEncoding.png, .losslessWebP])
  func lossless(encoding: PictureEncoding) throws {
    for file in [try gradient(33, 17), Fixture.interlacedPNG, Fixture.palettePNG] {
      let bitmap = try Bitmap(decoding: file)
      let again = try Bitmap(decoding: bitmap.encoded(as: encoding))
      #expect(again == bitmap)
    }
  }

  @Test("Lossy encodings come close", arguments: [PictureEncoding.jpeg(quality: 95), .webp(quality: 95)])
  func lossy(encoding: PictureEncoding) throws {
    let bitmap = try Bitmap(decoding: gradient(64, 48))
    let file = try bitmap.encoded(as: encoding)
    let info = try ImageInfo.verify(file)
    #expect(info.format == encoding.format && info.width == 64 && info.height == 48)
    #expect(try Bitmap(decoding: file).distance(to: bitmap) < 24)
    let coarse = try bitmap.encoded(as: encoding.format == .jpeg ? .jpeg(quality: 10) : .webp(quality: 10))
    #expect(coarse.count < file.count)
  }

  @Test("A JPEG much larger than the first room for it")
  func largeJPEG() throws {
    var noise = SystemRandomNumberGenerator()
    let bitmap = try Bitmap(decoding: png(300, 200) { _, _ in (noise.next(), noise.next(), noise.next()) })
    let file = try bitmap.encoded(as: .jpeg(quality: 100))
    #expect(file.count > 65_536)
    #expect(file.suffix(2) == [0xFF, 0xD9])
    #expect(try Bitmap(decoding: file).width == 300)
  }

  @Test("A gray JPEG is read")
  func grayJPEG() throws {
    let bitmap = try Bitmap(decoding: Fixture.grayJPEG)
    #expect(bitmap[7, 7].dropLast().allSatisfy { (75...79).contains($0) })
  }

  @Test("What shows through is white in a JPEG")
  func alphaInJPEG() throws {
    let file = try Bitmap(decoding: Fixture.palettePNG).encoded(as: .jpeg(quality: 100))
    let bitmap = try Bitmap(decoding: file)
    #expect(!bitmap.hasAlpha && bitmap[2, 0].allSatisfy { $0 > 100 })
  }

  @Test("Kinds that are not decoded are named", arguments: [Fixture.cmykJPEG, Fixture.animatedWebP])
  func unsupported(file: [UInt8]) throws {
    let error = try #require(throws: ImageError.self) { try Bitmap(decoding: file) }
    #expect(error.code == .unsupported, "\(error)")
  }

  @Test("Limits hold before anything is decoded")
  func limits() throws {
    let file = try gradient(200, 100)
    let error = try #require(throws: ImageError.self) {
      try Bitmap(decoding: file, limits: ImageLimits(maxPixels: 19_999))
    }
    #expect(error.code == .overLimit)
    #expect(try #require(throws: ImageError.self) { try Bitmap(decoding: Array("text".utf8)) }.code == .notAnImage)
  }

  @Test("Damaged files are refused, wherever they are cut or changed")
  func damage() throws {
    let bitmap = try Bitmap(decoding: gradient(40, 30))
    for encoding in [PictureEncoding.png, .jpeg(quality: 80), .webp(quality: 80), .losslessWebP] {
      let file = try bitmap.encoded(as: encoding)
      for position in stride(from: 0, to: file.count, by: max(1, file.count / 60)) {
        #expect(throws: ImageError.self) { try Bitmap(decoding: Array(file[..<position])) }
        var changed = file
        changed[position] ^= 0x55
        // Not every change can be noticed; none may do harm.
        _ = try? Bitmap(decoding: changed, longestSide: 20)
      }
    }
  }

  @Test("A JPEG that has the same scan hundreds of times is given up")
  func scans() throws {
    let jpeg = Fixture.progressiveJPEG
    #expect(try Bitmap(decoding: jpeg).width == 33)
    // The last scan, from its header to the end marker.
    let last = try #require(jpeg.indices.last { jpeg[$0...].starts(with: [0xFF, 0xDA]) })
    let scan = jpeg[last..<(jpeg.count - 2)]
    let bomb = jpeg[..<last] + (0..<300).flatMap { _ in scan } + [0xFF, 0xD9]
    let error = try #require(throws: ImageError.self) { try Bitmap(decoding: Array(bomb)) }
    #expect(error.code == .malformed && error.message.contains("scans"))
  }

  @Test("Qualities out of range and sides too long are refused")
  func arguments() throws {
    let bitmap = try Bitmap(decoding: gradient(4, 4))
    for encoding in [PictureEncoding.jpeg(quality: 0), .webp(quality: 101)] {
      #expect(throws: ImageError.self) { try bitmap.encoded(as: encoding) }
    }
    let wide = try Bitmap(decoding: png(16384, 1) { _, _ in (1, 2, 3) })
    #expect(try #require(throws: ImageError.self) { try wide.encoded(as: .webp(quality: 80)) }.code == .unsupported)
  }
}
