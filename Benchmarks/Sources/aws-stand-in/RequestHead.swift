import Glibc

/// Of a request's head, what the answers depend on.
struct RequestHead {
  var method = ""
  /// The path without its query.
  var path = ""
  var query = ""
  var contentLength = 0
  /// The operation of AWS JSON.
  var operation: String?
  /// Whether the body is a form of the query protocol.
  var speaksQuery = false
  var expectsContinue = false
  /// Whether the body is in chunked transfer coding.
  var isTransferChunked = false
  /// Whether the body is framed in chunks of S3's own.
  var isChunked = false
  var crc32: String?
  var range: Range<Int>?

  /// The head that bytes begin with, and its length; `nil` when it is not complete.
  static func parse(_ bytes: UnsafeRawBufferPointer) -> (RequestHead, length: Int)? {
    guard let base = bytes.baseAddress, let end = bytes.index(of: "\r\n\r\n") else { return nil }
    let length = end + 4
    var head = RequestHead()
    var start = 0
    while start < length - 2 {
      guard let found = memchr(base + start, 0x0A, length - start) else { break }
      let stop = base.distance(to: UnsafeRawPointer(found))
      let line = UnsafeRawBufferPointer(rebasing: bytes[start..<(stop - 1)])
      if start == 0 { head.take(first: line) } else { head.take(field: line) }
      start = stop + 1
    }
    return (head, length)
  }

  private mutating func take(first line: UnsafeRawBufferPointer) {
    let words = line.split(separator: UInt8(ascii: " "))
    guard words.count == 3 else { return }
    method = Self.text(words[0])
    let target = words[1].split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    path = Self.text(target[0])
    if target.count > 1 { query = Self.text(target[1]) }
  }

  private mutating func take(field line: UnsafeRawBufferPointer) {
    if let value = Self.value(of: "content-length", in: line) {
      contentLength = Int(value) ?? 0
    } else if let value = Self.value(of: "content-type", in: line) {
      speaksQuery = value.hasPrefix("application/x-www-form-urlencoded")
    } else if let value = Self.value(of: "x-amz-target", in: line) {
      operation = value.split(separator: ".").last.map { String($0) }
    } else if Self.value(of: "transfer-encoding", in: line) != nil {
      isTransferChunked = true
    } else if Self.value(of: "expect", in: line) != nil {
      expectsContinue = true
    } else if let value = Self.value(of: "x-amz-content-sha256", in: line) {
      isChunked = value.hasPrefix("STREAMING-")
    } else if let value = Self.value(of: "x-amz-checksum-crc32", in: line) {
      crc32 = value
    } else if let value = Self.value(of: "range", in: line) {
      let ends = value.dropFirst("bytes=".count).split(separator: "-").compactMap { Int($0) }
      if ends.count == 2, ends[0] <= ends[1] { range = ends[0]..<(ends[1] + 1) }
    }
  }

  private static func value(of name: StaticString, in line: UnsafeRawBufferPointer) -> String? {
    let count = name.utf8CodeUnitCount
    guard line.count > count, line[count] == UInt8(ascii: ":"),
      (0..<count).allSatisfy({ line[$0] | 0x20 == name.utf8Start[$0] | 0x20 })
    else { return nil }
    return text(line[(count + 1)...].drop { $0 == UInt8(ascii: " ") })
  }

  private static func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}

extension UnsafeRawBufferPointer {
  /// Where some bytes stand for the first time.
  func index(of wanted: StaticString) -> Int? {
    guard let base = baseAddress else { return nil }
    var start = 0
    while start + wanted.utf8CodeUnitCount <= count,
      let found = memchr(base + start, Int32(wanted.utf8Start[0]), count - start - wanted.utf8CodeUnitCount + 1)
    {
      let place = base.distance(to: UnsafeRawPointer(found))
      if memcmp(found, wanted.utf8Start, wanted.utf8CodeUnitCount) == 0 { return place }
      start = place + 1
    }
    return nil
  }
}
