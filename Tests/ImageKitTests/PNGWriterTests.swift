import ImageKit
import Testing

@Suite("Writing PNGs")
struct PNGWriterTests {
  static let sizes = [(1, 1), (1, 9), (9, 1), (64, 64), (65, 67), (512, 3)]

  @Test("What is written is whole and of its size", arguments: sizes.indices)
  func whole(index: Int) throws {
    let (width, height) = Self.sizes[index]
    let samples = (0..<(width * height * 3)).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }
    let palette = (0..<256).map { PNGWriter.Color(red: UInt8($0), green: UInt8(255 - $0), blue: 7) }
    let indices = Array(samples.prefix(width * height))
    for pixels in [PNGWriter.Pixels.rgb(samples), .indexed(indices, palette: palette)] {
      let writer = PNGWriter(texts: [PNGText("parameters", "猫")])
      let png = try writer.write(width: width, height: height, pixels)
      let info = try ImageInfo.verify(png)
      #expect(info.width == width && info.height == height && info.format == .png)
      #expect(try PNGText.read(from: png).map(\.text) == ["猫"])
      #expect(try writer.write(width: width, height: height, pixels) == png)
    }
  }

  @Test("Pixels that do not fit the size are refused")
  func refused() throws {
    let color = PNGWriter.Color(red: 0, green: 0, blue: 0)
    let wrong: [(Int, Int, PNGWriter.Pixels)] = [
      (0, 1, .rgb([])), (1, 0, .rgb([])), (-1, -1, .rgb([0, 0, 0])), (2, 1, .rgb([0, 0, 0])), (1 << 40, 1, .rgb([])),
      (1, 1, .indexed([0], palette: [])),
      (1, 1, .indexed([0], palette: [PNGWriter.Color](repeating: color, count: 257))),
    ]
    for (width, height, pixels) in wrong {
      let error = try #require(throws: ImageError.self) {
        try PNGWriter().write(width: width, height: height, pixels)
      }
      #expect(error.code == .invalidArgument)
    }
  }
}
