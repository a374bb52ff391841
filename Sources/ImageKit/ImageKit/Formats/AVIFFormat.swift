/// AVIF: boxes of ISO base media (ISO/IEC 14496-12, 23008-12), the primary item's size, and the extents of all items.
enum AVIFFormat: PictureFormat {
  static func header(of bytes: Span<UInt8>, _ limits: ImageLimits) throws(ImageError) -> ImageInfo {
    var budget = PartBudget(.avif, limits)
    var offset = 0
    while offset < bytes.count {
      let box = try Box.read(bytes, at: offset, end: bytes.count, &budget)
      guard box.type == "meta" else {
        offset = box.end
        continue
      }
      let meta = try AVIFMeta(bytes, box.data, &budget)
      let (width, height) = try meta.size(bytes, limits, &budget)
      var info = ImageInfo(format: .avif, width: width, height: height)
      info.isAnimated = try isSequence(bytes, &budget)
      return info
    }
    throw ImageError(.truncated, "AVIF: ends before its meta box")
  }

  static func walk(_ bytes: Span<UInt8>, _ limits: ImageLimits, _ info: inout ImageInfo) throws(ImageError) {
    var budget = PartBudget(.avif, limits)
    var offset = 0
    while offset < bytes.count {
      let box = try Box.read(bytes, at: offset, end: bytes.count, &budget)
      if box.type == "meta" {
        try AVIFMeta(bytes, box.data, &budget).checkExtents(bytes, &budget)
      }
      offset = box.end
    }
  }

  /// Whether the brands say that it is an image sequence.
  private static func isSequence(_ bytes: Span<UInt8>, _ budget: inout PartBudget) throws(ImageError) -> Bool {
    let box = try Box.read(bytes, at: 0, end: bytes.count, &budget)
    var cursor = Cursor(box.data, "AVIF: ftyp")
    let major = try cursor.fourCC(bytes)
    try cursor.take(4)
    var found = major == "avis"
    while !found, cursor.left >= 4 {
      try budget.take()
      found = try cursor.fourCC(bytes) == "avis"
    }
    return found
  }
}

/// A box: where its content lies.
struct Box {
  let type: FourCC
  let data: Range<Int>
  var end: Int { data.upperBound }

  /// The box at an offset within what ends at `end`; a length of 0 means up to that end.
  static func read(
    _ bytes: Span<UInt8>, at offset: Int, end: Int, _ budget: inout PartBudget
  ) throws(ImageError) -> Box {
    try budget.take()
    var cursor = Cursor(min(offset, end)..<end, "AVIF")
    var size = try cursor.bigEndian(4, bytes)
    let type = try cursor.fourCC(bytes)
    if size == 1 { size = try cursor.bigEndian(8, bytes) }
    if size == 0 { size = end - offset }
    let header = cursor.offset - offset
    guard size >= header else {
      throw ImageError(.malformed, "AVIF: box \(type.name) at offset \(offset) of \(size) bytes")
    }
    return Box(type: type, data: try cursor.take(size - header))
  }
}
