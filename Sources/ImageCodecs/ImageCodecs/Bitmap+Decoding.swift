import CImageCodecs
public import ImageKit

extension Bitmap {
  /// Bytes of memory that decoding takes for a pixel of the file at most: four of the result, and six of a progressive
  /// JPEG's coefficients or four of an interlaced PNG's or a lossless WebP's rows.
  public static let decodingBytesPerPixel = 10

  /// Decodes a PNG, JPEG or WebP, smaller where that is wanted.
  ///
  /// The bytes are looked at first, so that nothing is decoded that is not whole or passes the limits. Making it smaller
  /// happens on the way: memory is that of the result, and of some rows (of the whole picture for interlaced PNGs,
  /// progressive JPEGs and lossless WebPs).
  ///
  /// - Parameters:
  ///   - bytes: the file.
  ///   - longestSide: what neither side may exceed, in pixels; a smaller picture stays as it is.
  ///   - limits: what may be looked at.
  /// - Throws: what `ImageInfo.verify` throws, and `.unsupported` for other formats, animated WebPs and CMYK JPEGs.
  public init(
    decoding bytes: Span<UInt8>, longestSide: Int? = nil, limits: ImageLimits = ImageLimits()
  ) throws(ImageError) {
    let info = try ImageInfo.verify(bytes, limits: limits)
    let format: ic_format
    switch info.format {
    case .png: format = .png
    case .jpeg: format = .jpeg
    case .webp: format = .webp
    default: throw ImageError(.unsupported, "\(info.format.mediaType) cannot be decoded here")
    }
    let (width, height) = Self.size(of: info, longestSide: longestSide)
    var message = ic_message()
    var status = ic_status.done
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 4) { buffer, count in
      // The decoder leaves what it does not reach; it must not be left as it was found.
      buffer.initialize(repeating: 0)
      status = bytes.withUnsafeBufferPointer { bytes in
        ic_decode(
          format, bytes.baseAddress, bytes.count, UInt32(width), UInt32(height), buffer.baseAddress, &message)
      }
      count = buffer.count
    }
    if let error = ImageError(status, message, "decoding \(info.format.mediaType)") { throw error }
    let isOpaque = pixels.withUnsafeBufferPointer { ic_is_opaque($0.baseAddress, width * height) }
    self.init(width: width, height: height, pixels: pixels, hasAlpha: !isOpaque)
  }

  private static func size(of info: ImageInfo, longestSide: Int?) -> (width: Int, height: Int) {
    let longest = max(info.width, info.height)
    guard let wanted = longestSide.map({ max(1, $0) }), wanted < longest else { return (info.width, info.height) }
    func scaled(_ side: Int) -> Int { max(1, (side * wanted + longest / 2) / longest) }
    return (scaled(info.width), scaled(info.height))
  }
}

extension ImageError {
  /// What a call of the codecs came to; `nil` for success.
  init?(_ status: ic_status, _ message: ic_message, _ what: String) {
    let told = withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let text = told.isEmpty ? what : "\(what): \(told)"
    switch status {
    case .done: return nil
    case .malformed: self.init(.malformed, text)
    case .unsupported: self.init(.unsupported, text)
    case .no_memory: self.init(.outOfMemory, text)
    }
  }
}
