public import SDCore

/// Pictures without an image library: one pixel, valid PNG, coloured by a number.
public enum FakeImage {
  /// A PNG of one pixel; other numbers give other bytes.
  public static func png(_ number: UInt64) -> [UInt8] {
    let pixel = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    // One row: filter byte 0, then one pixel of 16-bit RGBA.
    let row = [0] + pixel
    let length = UInt16(row.count)
    let stored = [1] + bytes(length.byteSwapped) + bytes((~length).byteSwapped) + row
    let stream = [0x78, 0x01] + stored + bytes(adler32(row))
    let header = bytes(UInt32(1)) + bytes(UInt32(1)) + [16, 6, 0, 0, 0]
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      + chunk("IHDR", header) + chunk("IDAT", stream) + chunk("IEND", [])
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
    ~data.reduce(~UInt32(0)) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }
  }

  /// The check sum of zlib streams (RFC 1950).
  private static func adler32(_ data: [UInt8]) -> UInt32 {
    let (a, b) = data.reduce((UInt32(1), UInt32(0))) { sums, byte in
      let a = (sums.0 + UInt32(byte)) % 65521
      return (a, (sums.1 + a) % 65521)
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
