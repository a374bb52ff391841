/// What a picture's bytes say of it, without decoding a pixel.
public struct ImageInfo: Sendable, Hashable {
  /// PNG, JPEG, WebP, GIF or AVIF.
  public let format: MediaFormat
  /// Width in pixels as stored: an orientation note (EXIF, `irot`) is not applied.
  public let width: Int
  /// Height in pixels as stored.
  public let height: Int
  /// Whether there is more than one frame.
  public internal(set) var isAnimated = false
  /// What is wrong with the bytes after the header: truncated or malformed; nil for a whole picture.
  public internal(set) var fault: ImageError?

  /// Whether the bytes go on, in good order, to the picture's end.
  ///
  /// Proven how far: PNG by every chunk's CRC, the end chunk, and image data that inflates to all scanlines; JPEG by its
  /// markers up to the last; WebP by its chunks and sizes; GIF by its blocks up to the trailer; AVIF by its boxes and the
  /// extents of its items. Bytes after the picture's end are not held against it.
  public var isComplete: Bool { fault == nil }

  /// Looks at a picture: format, size, and whether it is whole.
  ///
  /// Memory stays below 100 KiB whatever the picture's size.
  ///
  /// - Throws: `ImageError` if there is no picture to speak of: no bytes, another format, a header that gives no usable
  ///   size, a limit passed. What is wrong further on is the `fault` of the answer.
  public static func inspect(_ bytes: Span<UInt8>, limits: ImageLimits = ImageLimits()) throws(ImageError) -> ImageInfo
  {
    guard bytes.count > 0 else { throw ImageError(.empty, "there are no bytes") }
    try limits.check(byteCount: bytes.count)
    guard let format = MediaFormat.detect(bytes) else {
      throw ImageError(.unknownFormat, "\(bytes.count) bytes of no known format")
    }
    switch format {
    case .png: return try inspect(bytes, limits, as: PNGFormat.self)
    case .jpeg: return try inspect(bytes, limits, as: JPEGFormat.self)
    case .webp: return try inspect(bytes, limits, as: WebPFormat.self)
    case .gif: return try inspect(bytes, limits, as: GIFFormat.self)
    case .avif: return try inspect(bytes, limits, as: AVIFFormat.self)
    case .mp4, .webm, .wav, .flac, .mp3, .ogg, .plainText:
      throw ImageError(.notAnImage, "the bytes are \(format.name), not a picture")
    }
  }

  /// Looks at a picture and refuses it unless it is whole.
  ///
  /// - Throws: what `inspect` throws, and the `fault` it would report.
  @discardableResult
  public static func verify(_ bytes: Span<UInt8>, limits: ImageLimits = ImageLimits()) throws(ImageError) -> ImageInfo {
    let info = try inspect(bytes, limits: limits)
    if let fault = info.fault { throw fault }
    return info
  }

  private static func inspect<Format: PictureFormat>(
    _ bytes: Span<UInt8>, _ limits: ImageLimits, as format: Format.Type
  ) throws(ImageError) -> ImageInfo {
    var info = try format.header(of: bytes, limits)
    do {
      try format.walk(bytes, limits, &info)
    } catch {
      guard error.code == .truncated || error.code == .malformed else { throw error }
      info.fault = error
    }
    return info
  }
}

/// How one format is looked at.
protocol PictureFormat {
  /// Reads format and size, within the limits, from bytes that begin as this format.
  static func header(of bytes: Span<UInt8>, _ limits: ImageLimits) throws(ImageError) -> ImageInfo
  /// Follows the structure to the end, throwing at the first fault; notes in `info` what it learns on the way.
  static func walk(_ bytes: Span<UInt8>, _ limits: ImageLimits, _ info: inout ImageInfo) throws(ImageError)
}
