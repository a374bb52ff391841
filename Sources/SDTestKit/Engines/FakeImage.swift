public import SDCore

/// Pictures without an image library: valid PNGs of one colour.
public enum FakeImage {
  /// A PNG of one pixel; other numbers give other bytes.
  public static func png(_ number: UInt64) -> [UInt8] {
    let pixel = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    // 16-bit RGBA.
    return file(width: 1, height: 1, bitDepth: 16, colorType: 6, texts: [], row: pixel)
  }

  /// A PNG of a size, all of one gray, with texts as engines write them: tEXt chunks before the image data.
  public static func png(
    width: Int, height: Int, gray: UInt8, texts: [(keyword: String, text: String)] = []
  ) -> [UInt8] {
    file(
      width: width, height: height, bitDepth: 8, colorType: 0, texts: texts,
      row: [UInt8](repeating: gray, count: width))
  }

  private static func file(
    width: Int, height: Int, bitDepth: UInt8, colorType: UInt8, texts: [(keyword: String, text: String)], row: [UInt8]
  ) -> [UInt8] {
    let header = bytes(UInt32(width)) + bytes(UInt32(height)) + [bitDepth, colorType, 0, 0, 0]
    var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
    for text in texts { file += chunk("tEXt", Array(text.keyword.utf8) + [0] + Array(text.text.utf8)) }
    // Each row with its filter byte, 0.
    let rows = Array(repeatElement([0] + row, count: height).joined())
    return file + chunk("IDAT", stored(rows)) + chunk("IEND", [])
  }

  /// A zlib stream of stored blocks (RFC 1950, RFC 1951 3.2.4).
  private static func stored(_ data: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    for start in stride(from: 0, to: data.count, by: 65535) {
      let block = data[start..<min(start + 65535, data.count)]
      let length = UInt16(block.count)
      stream.append(block.endIndex == data.count ? 1 : 0)
      stream += bytes(length.byteSwapped) + bytes((~length).byteSwapped) + block
    }
    return stream + bytes(adler32(data))
  }

  private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(type.utf8) + data
    return bytes(UInt32(data.count)) + body + bytes(crc32(body))
  }

  private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian, Array.init)
  }

  /// The check sum of PNG chunks (ISO 3309).
  private static func crc32(_ data: [UInt8]) -> UInt32 {
    ~data.reduce(~UInt32(0)) { sum, byte in table[Int((sum ^ UInt32(byte)) & 0xFF)] ^ sum >> 8 }
  }

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
  }

  /// The check sum of zlib streams (RFC 1950).
  private static func adler32(_ data: [UInt8]) -> UInt32 {
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in data {
      a = (a + UInt32(byte)) % 65521
      b = (b + a) % 65521
    }
    return b << 16 | a
  }
}

extension InferenceResult {
  /// What an engine might make of a request: pictures that depend on seed and place alone.
  public static func fake(images: Int, for request: InferenceRequest) -> InferenceResult {
    let outputs = (0..<images).map { place in
      let seed = request.seed &+ UInt64(place)
      let bytes = FakeImage.png(seed)
      return InferenceOutput(
        bytes: bytes[...], role: .image, contentType: "image/png", fileExtension: ".png", width: 1, height: 1,
        seed: seed)
    }
    let seeds = JSONValue.array(outputs.map { .number(JSONNumber($0.seed ?? 0)) })
    return InferenceResult(
      outputs: outputs, parameters: request.content.object == nil ? [:] : request.content, info: ["all_seeds": seeds],
      model: request.model)
  }
}
