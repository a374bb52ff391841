/// JPEG: marker segments and entropy-coded data up to the end marker (ITU-T T.81, annex B).
enum JPEGFormat: PictureFormat {
  static func header(of bytes: Span<UInt8>, _ limits: ImageLimits) throws(ImageError) -> ImageInfo {
    var (offset, budget) = (2, PartBudget(.jpeg, limits))
    while true {
      try budget.take()
      let segment = try Segment.read(bytes, at: offset)
      if segment.isFrame {
        let (width, height) = try size(bytes, segment)
        try limits.check(.jpeg, width: width, height: height)
        return ImageInfo(format: .jpeg, width: width, height: height)
      }
      guard segment.marker != Marker.scan, segment.marker != Marker.end else {
        throw ImageError(.malformed, "JPEG: no frame header before offset \(offset)")
      }
      offset = segment.end
    }
  }

  static func walk(_ bytes: Span<UInt8>, _ limits: ImageLimits, _ info: inout ImageInfo) throws(ImageError) {
    var (offset, budget) = (2, PartBudget(.jpeg, limits))
    var (hasFrame, hasScan) = (false, false)
    while true {
      try budget.take()
      let segment = try Segment.read(bytes, at: offset)
      offset = segment.end
      if segment.isFrame {
        guard !hasFrame else { throw ImageError(.malformed, "JPEG: a second frame header before offset \(offset)") }
        hasFrame = true
      } else if segment.marker == Marker.scan {
        guard hasFrame, segment.data.count >= 6 else {
          throw ImageError(.malformed, "JPEG: an impossible scan header before offset \(offset)")
        }
        hasScan = true
        offset = try entropyEnd(bytes, from: offset)
      } else if segment.marker == Marker.end {
        guard hasScan else { throw ImageError(.malformed, "JPEG: ends without image data") }
        return
      }
    }
  }

  enum Marker {
    static let start: UInt8 = 0xD8
    static let end: UInt8 = 0xD9
    static let scan: UInt8 = 0xDA
    static let restarts: ClosedRange<UInt8> = 0xD0...0xD7
  }

  struct Segment {
    let marker: UInt8
    let data: Range<Int>
    var end: Int { data.upperBound }

    /// SOF0 to SOF15; C4, C8 and CC are tables and extensions.
    var isFrame: Bool {
      (0xC0...0xCF).contains(marker) && marker != 0xC4 && marker != 0xC8 && marker != 0xCC
    }

    /// APP1 and on save colour profiles (2) and Adobe's note on colours (14), and comments.
    var isMetadata: Bool { (0xE1...0xEF).contains(marker) && marker != 0xE2 && marker != 0xEE || marker == 0xFE }

    static func read(_ bytes: Span<UInt8>, at offset: Int) throws(ImageError) -> Segment {
      var cursor = Cursor(offset..<bytes.count, "JPEG")
      guard try cursor.byte(bytes) == 0xFF else {
        throw ImageError(.malformed, "JPEG: no marker at offset \(offset)")
      }
      var marker = try cursor.byte(bytes)
      while marker == 0xFF { marker = try cursor.byte(bytes) }
      switch marker {
      case Marker.end: return Segment(marker: marker, data: cursor.offset..<cursor.offset)
      case 0x00, 0x01, Marker.start, Marker.restarts:
        throw ImageError(.malformed, "JPEG: marker \(marker) at offset \(offset) is out of place")
      default: break
      }
      let length = try cursor.bigEndian(2, bytes)
      guard length >= 2 else { throw ImageError(.malformed, "JPEG: a segment of length \(length) at offset \(offset)") }
      return Segment(marker: marker, data: try cursor.take(length - 2))
    }
  }

  private static func size(_ bytes: Span<UInt8>, _ segment: Segment) throws(ImageError) -> (width: Int, height: Int) {
    var cursor = Cursor(segment.data, "JPEG: frame header")
    let precision = try cursor.byte(bytes)
    let (height, width) = (try cursor.bigEndian(2, bytes), try cursor.bigEndian(2, bytes))
    let components = Int(try cursor.byte(bytes))
    guard (2...16).contains(precision), (1...4).contains(components), cursor.left == components * 3 else {
      throw ImageError(.malformed, "JPEG: a frame header of \(components) components of \(precision) bits")
    }
    return (width, height)
  }

  /// Where the entropy-coded data ends: at a marker that is neither a stuffed zero nor a restart.
  static func entropyEnd(_ bytes: Span<UInt8>, from start: Int) throws(ImageError) -> Int {
    var offset = start
    while offset < bytes.count {
      offset = bytes.firstOffset(of: 0xFF, in: offset..<bytes.count)
      guard offset < bytes.count - 1 else { break }
      let next = bytes[offset + 1]
      if next == 0xFF {
        offset += 1
      } else if next == 0x00 || Marker.restarts.contains(next) {
        offset += 2
      } else {
        return offset
      }
    }
    throw ImageError(.truncated, "JPEG: ends within image data that began at offset \(start)")
  }
}
