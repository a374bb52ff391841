/// The parts of an AVIF's meta box that tell the picture's size and where its bytes lie.
struct AVIFMeta {
  private var locations: Range<Int>?
  private var properties: Range<Int>?
  private var associations: Range<Int>?
  private var primaryItem: Int?

  init(_ bytes: Span<UInt8>, _ range: Range<Int>, _ budget: inout PartBudget) throws(ImageError) {
    var cursor = Cursor(range, "AVIF: meta")
    try cursor.take(4)
    while cursor.left > 0 {
      let box = try Box.read(bytes, at: cursor.offset, end: cursor.end, &budget)
      try cursor.take(box.end - cursor.offset)
      switch box.type {
      case "pitm":
        var item = Cursor(box.data, "AVIF: pitm")
        let isWide = try item.bigEndian(4, bytes) >> 24 != 0
        primaryItem = try item.bigEndian(isWide ? 4 : 2, bytes)
      case "iloc": locations = box.data
      case "iprp":
        var inner = Cursor(box.data, "AVIF: iprp")
        while inner.left > 0 {
          let box = try Box.read(bytes, at: inner.offset, end: inner.end, &budget)
          try inner.take(box.end - inner.offset)
          if box.type == "ipco" { properties = box.data }
          if box.type == "ipma" { associations = box.data }
        }
      default: break
      }
    }
  }

  /// The size of the primary item.
  ///
  /// Every item's size is held against the limits, since a decoder may meet each.
  func size(
    _ bytes: Span<UInt8>, _ limits: ImageLimits, _ budget: inout PartBudget
  ) throws(ImageError) -> (width: Int, height: Int) {
    guard let properties, let primaryItem else { throw ImageError(.malformed, "AVIF: no primary picture") }
    var (cursor, index, sizes) = (Cursor(properties, "AVIF: ipco"), 0, [Int: (width: Int, height: Int)]())
    while cursor.left > 0 {
      index += 1
      let box = try Box.read(bytes, at: cursor.offset, end: cursor.end, &budget)
      try cursor.take(box.end - cursor.offset)
      guard box.type == "ispe" else { continue }
      var content = Cursor(box.data, "AVIF: ispe")
      try content.take(4)
      let (width, height) = (try content.bigEndian(4, bytes), try content.bigEndian(4, bytes))
      try limits.check(.avif, width: width, height: height)
      sizes[index] = (width, height)
    }
    for index in try propertyIndices(of: primaryItem, bytes, &budget) {
      if let size = sizes[index] { return size }
    }
    throw ImageError(.malformed, "AVIF: the primary picture has no size")
  }

  /// The properties (counted from 1) that belong to an item.
  private func propertyIndices(
    of wanted: Int, _ bytes: Span<UInt8>, _ budget: inout PartBudget
  ) throws(ImageError) -> [Int] {
    guard let associations else { return [] }
    var cursor = Cursor(associations, "AVIF: ipma")
    let versionAndFlags = try cursor.bigEndian(4, bytes)
    let (isWideItem, isWideIndex) = (versionAndFlags >> 24 != 0, versionAndFlags & 1 != 0)
    var indices: [Int] = []
    for _ in 0..<(try cursor.bigEndian(4, bytes)) {
      try budget.take()
      let item = try cursor.bigEndian(isWideItem ? 4 : 2, bytes)
      for _ in 0..<(try cursor.byte(bytes)) {
        let index = try cursor.bigEndian(isWideIndex ? 2 : 1, bytes) & (isWideIndex ? 0x7FFF : 0x7F)
        if item == wanted { indices.append(index) }
      }
    }
    return indices
  }

  /// Refuses an item whose bytes would lie beyond the file's end.
  func checkExtents(_ bytes: Span<UInt8>, _ budget: inout PartBudget) throws(ImageError) {
    guard let locations else { throw ImageError(.malformed, "AVIF: no locations of items") }
    var cursor = Cursor(locations, "AVIF: iloc")
    let version = try cursor.bigEndian(4, bytes) >> 24
    guard version <= 2 else { throw ImageError(.malformed, "AVIF: iloc of version \(version)") }
    let sizes = try cursor.bigEndian(2, bytes)
    let (offsetSize, lengthSize, baseSize) = (sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15)
    let indexSize = version > 0 ? sizes & 15 : 0
    guard [offsetSize, lengthSize, baseSize, indexSize].allSatisfy({ [0, 4, 8].contains($0) }) else {
      throw ImageError(.malformed, "AVIF: impossible number sizes in iloc")
    }
    for _ in 0..<(try cursor.bigEndian(version < 2 ? 2 : 4, bytes)) {
      try budget.take()
      let item = try cursor.bigEndian(version < 2 ? 2 : 4, bytes)
      let method = version > 0 ? try cursor.bigEndian(2, bytes) & 15 : 0
      let reference = try cursor.bigEndian(2, bytes)
      let base = try cursor.bigEndian(baseSize, bytes)
      for _ in 0..<(try cursor.bigEndian(2, bytes)) {
        try budget.take()
        try cursor.take(indexSize)
        let (offset, length) = (try cursor.bigEndian(offsetSize, bytes), try cursor.bigEndian(lengthSize, bytes))
        guard method == 0, reference == 0 else { continue }  // within the meta box, or in another file
        guard base <= bytes.count, offset <= bytes.count - base, length <= bytes.count - base - offset else {
          throw ImageError(.truncated, "AVIF: item \(item) lies beyond the file's end")
        }
      }
    }
  }
}
