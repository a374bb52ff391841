import CImageKit

/// One zlib stream being inflated, a window at a time.
struct Inflater: ~Copyable {
  private let stream: OpaquePointer
  private(set) var isAtEnd = false

  init() throws(ImageError) {
    guard let stream = cimagekit_inflater_create() else {
      throw ImageError(.outOfMemory, "no memory for inflating")
    }
    self.stream = stream
  }

  deinit { cimagekit_inflater_destroy(stream) }

  /// Inflates a range of the bytes, handing each filled part of `window` on.
  ///
  /// Ends when the range is used up, the stream is over, or `sink` answers false. Each turn consumes or produces, so that
  /// it comes to an end; how much it may produce is for `sink` to bound.
  mutating func inflate(
    _ bytes: Span<UInt8>, _ range: Range<Int>, window: inout [UInt8], of part: String,
    sink: (Span<UInt8>) throws(ImageError) -> Bool
  ) throws(ImageError) {
    var offset = range.lowerBound
    while !isAtEnd {
      let step = bytes.extracting(offset..<range.upperBound).withUnsafeBufferPointer { input in
        window.withUnsafeMutableBufferPointer { output in
          cimagekit_inflate(stream, input.baseAddress, input.count, output.baseAddress, output.count)
        }
      }
      offset += step.consumed
      switch step.status {
      case .more: break
      case .end: isAtEnd = true
      case .bad_data: throw ImageError(.malformed, "\(part): not a sound zlib stream near offset \(offset)")
      case .no_memory: throw ImageError(.outOfMemory, "no memory for inflating")
      }
      if step.produced > 0 {
        guard try sink(window.span.extracting(first: step.produced)) else { return }
      } else if step.consumed == 0 {
        return
      }
    }
  }

  /// Inflates a whole stream of at most `limit` bytes.
  static func inflateAll(
    _ bytes: Span<UInt8>, _ range: Range<Int>, limit: Int, of part: String
  ) throws(ImageError) -> [UInt8] {
    var inflater = try Inflater()
    var (window, result) = ([UInt8](repeating: 0, count: 16 << 10), [UInt8]())
    try inflater.inflate(bytes, range, window: &window, of: part) { (produced) throws(ImageError) in
      guard produced.count <= limit - result.count else {
        throw ImageError(.overLimit, "\(part): inflates to more than \(limit) bytes")
      }
      produced.withUnsafeBufferPointer { result.append(contentsOf: $0) }
      return true
    }
    guard inflater.isAtEnd else { throw ImageError(.malformed, "\(part): its zlib stream has no end") }
    return result
  }

  /// How many bytes a stream inflates to, as far as it can be inflated and at most just past `limit`; holds none.
  static func measure(_ bytes: Span<UInt8>, _ range: Range<Int>, limit: Int) throws(ImageError) -> Int {
    var inflater = try Inflater()
    var (window, count) = ([UInt8](repeating: 0, count: 16 << 10), 0)
    do {
      try inflater.inflate(bytes, range, window: &window, of: "text") { (produced) throws(ImageError) in
        count += produced.count
        return count <= limit
      }
    } catch  where error.code == .malformed {
      return count
    }
    return count
  }
}

/// Makes one zlib stream of the bytes; the same bytes for the same input, level and zlib.
func deflate(_ bytes: [UInt8], level: Int) throws(ImageError) -> [UInt8] {
  let bound = cimagekit_deflate_bound(bytes.count)
  guard bound > 0 else { throw ImageError(.invalidArgument, "\(bytes.count) bytes are too many to deflate at once") }
  var result = [UInt8](repeating: 0, count: bound)
  let step = result.withUnsafeMutableBufferPointer { output in
    bytes.withUnsafeBufferPointer { input in
      cimagekit_deflate(Int32(clamping: level), input.baseAddress, input.count, output.baseAddress, output.count)
    }
  }
  guard step.status == .end else { throw ImageError(.outOfMemory, "no memory for deflating \(bytes.count) bytes") }
  result.removeLast(bound - step.produced)
  return result
}
