import AWSKit
import Glibc

/// S3: an object's key is its size in bytes, and what is written is compared with its checksum and forgotten.
struct ObjectAnswers {
  private var known: [String: [UInt8]] = [:]
  private static let largest = 256 << 20
  private static let eTag = "\"9a0364b9e99bb480dd25e1f0284c8555\""

  mutating func answer(_ head: RequestHead, _ body: UnsafeRawBufferPointer) -> [UInt8] {
    switch head.method {
    case "GET", "HEAD":
      // What a client reads does not change: made once.
      let name = "\(head.method) \(head.path) \(head.range?.description ?? "")"
      if let answer = known[name] { return answer }
      let answer = read(head)
      known[name] = answer
      return answer
    case "PUT": return write(head, body)
    case "POST" where head.query.hasPrefix("uploads"):
      return xml("<InitiateMultipartUploadResult><UploadId>VXBsb2FkIElE</UploadId></InitiateMultipartUploadResult>")
    case "POST":
      return xml("<CompleteMultipartUploadResult><ETag>\(Self.eTag)</ETag></CompleteMultipartUploadResult>")
    default: return httpAnswer("405 Method Not Allowed")
    }
  }

  private func read(_ head: RequestHead) -> [UInt8] {
    guard let size = Int(head.path.split(separator: "/").last ?? ""), size <= Self.largest,
      (head.range?.lowerBound ?? 0) <= size
    else { return httpAnswer("404 Not Found") }
    let range = head.range.map { $0.lowerBound..<min($0.upperBound, size) } ?? 0..<size
    let bytes = range.map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var fields = [
      ("ETag", Self.eTag), ("Content-Type", "application/octet-stream"), ("Accept-Ranges", "bytes"),
      ("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT"),
    ]
    if head.range == nil {
      fields.append(("x-amz-checksum-crc32", S3.Checksum(.crc32, of: bytes).value))
    } else {
      fields.append(("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"))
    }
    return httpAnswer(
      head.range == nil ? "200 OK" : "206 Partial Content", fields, body: head.method == "HEAD" ? [] : bytes,
      length: bytes.count)
  }

  private func write(_ head: RequestHead, _ body: UnsafeRawBufferPointer) -> [UInt8] {
    let plain: (bytes: [UInt8], crc32: String?)
    if head.isChunked {
      guard let decoded = Self.unframe(body) else { return httpAnswer("400 Bad Request") }
      plain = decoded
    } else {
      plain = ([], head.crc32)
    }
    let made =
      head.isChunked
      ? S3.Checksum(.crc32, of: plain.bytes) : S3.Checksum(.crc32, of: body.assumingMemoryBound(to: UInt8.self))
    guard plain.crc32 == made.value else {
      return httpAnswer("400 Bad Request", body: Array("<Error><Code>BadDigest</Code></Error>".utf8))
    }
    return httpAnswer("200 OK", [("ETag", Self.eTag), ("x-amz-checksum-crc32", made.value)])
  }

  /// The bytes within S3's chunks, and the checksum behind them; `nil` if they are malformed.
  private static func unframe(_ body: UnsafeRawBufferPointer) -> (bytes: [UInt8], crc32: String?)? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(body.count)
    var index = 0
    while let end = body[index...].firstIndex(of: 0x0A) {
      let size = body[index..<end].prefix { $0 != UInt8(ascii: ";") && $0 != 0x0D }
      guard let count = Int(String(decoding: size, as: UTF8.self), radix: 16), end + 1 + count + 2 <= body.count else {
        return nil
      }
      index = end + 1
      if count == 0 {
        let trailer = String(decoding: body[index...], as: UTF8.self).split(separator: "\r\n").first ?? ""
        return (bytes, trailer.split(separator: ":").last.map { String($0) })
      }
      bytes.append(contentsOf: body[index..<(index + count)])
      index += count + 2
    }
    return nil
  }

  private func xml(_ body: String) -> [UInt8] {
    httpAnswer("200 OK", [("Content-Type", "application/xml")], body: Array(body.utf8))
  }
}
