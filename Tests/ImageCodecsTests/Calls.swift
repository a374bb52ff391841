import ImageCodecs
import ImageKit

// `#expect` takes its expression apart and would let a span out of its scope; these take arrays.

extension Bitmap {
  init(decoding bytes: [UInt8], longestSide: Int? = nil, limits: ImageLimits = ImageLimits()) throws(ImageError) {
    try self.init(decoding: bytes.span, longestSide: longestSide, limits: limits)
  }
}

extension ImageInfo {
  static func verify(_ bytes: [UInt8]) throws(ImageError) -> ImageInfo { try verify(bytes.span) }
}

extension Thumbnail {
  static func make(of bytes: [UInt8], longestSide: Int) throws(ImageError) -> [UInt8] {
    try make(of: bytes.span, longestSide: longestSide)
  }
}
