/// The image data of a PNG, inflated past a small window to see that every scanline is there; no pixel is kept.
struct PNGImageData: ~Copyable {
  private var inflater: Inflater
  private var window = [UInt8](repeating: 0, count: 32 << 10)
  private let expected: Int
  private var produced = 0
  private var passes: ArraySlice<PNGHeader.Pass>
  /// Where in the inflated data the next scanline's filter byte lies.
  private var nextFilter = 0

  /// What the data may inflate to beyond the scanlines: some encoders round up, a bomb does not stop.
  private static let slack = 64 << 10

  init(_ header: PNGHeader) throws(ImageError) {
    inflater = try Inflater()
    passes = header.passes[...]
    expected = passes.reduce(0) { $0 + $1.rowBytes * $1.rows }
  }

  /// Takes in the data of one IDAT chunk.
  mutating func take(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(ImageError) {
    var (produced, nextFilter, passes) = (produced, nextFilter, passes)
    let expected = expected
    try inflater.inflate(bytes, range, window: &window, of: "PNG: image data") { (part) throws(ImageError) in
      while var pass = passes.first, nextFilter < produced + part.count {
        guard part[nextFilter - produced] <= 4 else {
          throw ImageError(.malformed, "PNG: image data with an unknown filter at inflated offset \(nextFilter)")
        }
        nextFilter += pass.rowBytes
        pass.rows -= 1
        if pass.rows == 0 { passes.removeFirst() } else { passes[passes.startIndex] = pass }
      }
      produced += part.count
      guard produced <= expected + Self.slack else {
        throw ImageError(.malformed, "PNG: image data inflates to far more than the \(expected) bytes of its size")
      }
      return true
    }
    (self.produced, self.nextFilter, self.passes) = (produced, nextFilter, passes)
  }

  /// Refuses data that ended before the last scanline.
  consuming func finish() throws(ImageError) {
    guard produced >= expected else {
      throw ImageError(.truncated, "PNG: image data inflates to \(produced) bytes, \(expected) are needed")
    }
  }
}
