import ImageCodecs
import ImageKit
import Testing

@Suite("Thumbnails")
struct ThumbnailTests {
  @Test(
    "The longer side is what was asked for, the other in proportion",
    arguments: [
      [512, 256, 256, 128], [300, 900, 85, 256], [256, 256, 256, 256], [100, 50, 100, 50], [2000, 1, 256, 1],
    ])
  func sizes(numbers: [Int]) throws {
    let (width, height, wanted) = (numbers[0], numbers[1], numbers[2...])
    for encoding in [PictureEncoding.png, .jpeg(quality: 90), .webp(quality: 90)] {
      let file = try Bitmap(decoding: gradient(width, height)).encoded(as: encoding)
      let info = try ImageInfo.verify(Thumbnail.make(of: file, longestSide: 256))
      #expect(info.format == .webp && [info.width, info.height] == wanted, "\(encoding)")
    }
  }

  @Test("A pixel is the mean of the area that it covers")
  func mean() throws {
    // Columns of 0 and 240, five of them to two pixels: 0 240 0 | half of 0, 240 0.
    let file = try png(48, 16) { x, _ in x % 2 == 0 ? (0, 0, 0) : (240, 120, 60) }
    let small = try Bitmap(decoding: file, longestSide: 24)
    for x in 0..<24 { #expect(small[x, 3] == [120, 60, 30, 255]) }
    let odd = try Bitmap(decoding: png(5, 2) { x, _ in x == 2 ? (200, 200, 200) : (0, 0, 0) }, longestSide: 2)
    #expect(odd.width == 2 && odd.height == 1 && odd[0, 0] == [40, 40, 40, 255] && odd[1, 0] == [40, 40, 40, 255])
  }

  @Test("What cannot be seen has no part in the mean")
  func transparency() throws {
    let small = try Bitmap(decoding: Fixture.palettePNG, longestSide: 1)
    // Red and gray twice, green at half; the blue is invisible.
    let alpha = (255 * 4 + 128 * 2 + 4) / 8
    #expect(small[0, 0][2] < 10 && abs(Int(small[0, 0][3]) - alpha) <= 1)
  }

  @Test("Sides beyond the bounds are brought within them")
  func bounds() throws {
    let file = try gradient(64, 64)
    #expect(try ImageInfo.verify(Thumbnail.make(of: file, longestSide: 0)).width == 16)
    #expect(try ImageInfo.verify(Thumbnail.make(of: file, longestSide: -5)).width == 16)
    #expect(try ImageInfo.verify(Thumbnail.make(of: file, longestSide: .max)).width == 64)
  }
}
