import ImageKit

// `#expect` cannot take a call apart that has a span in it, so the tests hand arrays in. Each prefix gets an array of its
// own, whose end the address sanitizer watches.

extension MediaFormat {
  static func detect(_ bytes: [UInt8]) -> MediaFormat? { detect(bytes.span) }
}

extension ImageInfo {
  static func inspect(_ bytes: [UInt8], limits: ImageLimits = ImageLimits()) throws(ImageError) -> ImageInfo {
    try inspect(bytes.span, limits: limits)
  }

  @discardableResult
  static func verify(_ bytes: [UInt8], limits: ImageLimits = ImageLimits()) throws(ImageError) -> ImageInfo {
    try verify(bytes.span, limits: limits)
  }
}

extension PNGText {
  static func read(from bytes: [UInt8], limits: ImageLimits = ImageLimits()) throws(ImageError) -> [PNGText] {
    try read(from: bytes.span, limits: limits)
  }

  static func insert(_ texts: [PNGText], into bytes: [UInt8]) throws(ImageError) -> [UInt8] {
    try insert(texts, into: bytes.span)
  }

  static func replace(_ texts: [PNGText], in bytes: [UInt8]) throws(ImageError) -> [UInt8] {
    try replace(texts, in: bytes.span)
  }

  static func strip(from bytes: [UInt8], keywords: Set<String>? = nil) throws(ImageError) -> [UInt8] {
    try strip(from: bytes.span, keywords: keywords)
  }
}
