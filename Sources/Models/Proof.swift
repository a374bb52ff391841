import AWSKit
import Crypto
import FoundationEssentials
import Glibc

/// What shows that a file has the bytes of an object: a checksum of the whole, of its parts, or the entity tag.
///
/// An entity tag is the MD5 of the bytes, or of the MD5s of the parts with their number behind it, save where KMS
/// encrypts (Amazon S3 User Guide, "Checking object integrity").
struct Proof: Sendable, Hashable {
  enum Digest: Sendable, Hashable {
    case checksum(S3.ChecksumAlgorithm)
    case md5
  }

  let digest: Digest
  /// The value in base64; for MD5 in hexadecimal.
  let value: String
  /// Bytes of each part where the value is made of those of parts.
  var parts: [Int64]?

  /// The proof that S3 has of an object; `nil` where it keeps none.
  ///
  /// - Parameter part: asks for a part, from 1, where the value is made of parts.
  init?(_ info: S3.ObjectInfo, part: (Int) async throws -> S3.ObjectInfo) async throws {
    if let whole = info.verifiable {
      (digest, value) = (.checksum(whole.algorithm), whole.value)
      return
    }
    if let composite = info.checksums.first {
      (digest, value) = (.checksum(composite.algorithm), composite.value)
      parts = try await Self.parts(of: info, value, part)
      guard parts != nil else { return nil }
      return
    }
    let tag = (info.eTag ?? "").filter { $0 != "\"" }
    let hash = tag.prefix { $0 != "-" }
    guard info.serverSideEncryption?.hasPrefix("aws:kms") != true, hash.utf8.count == 32, hash.allSatisfy(\.isHexDigit)
    else { return nil }
    (digest, value) = (.md5, tag.lowercased())
    guard tag.contains("-") else { return }
    parts = try await Self.parts(of: info, tag, part)
    guard parts != nil else { return nil }
  }

  /// The bytes of the parts that a value such as `…-12` is made of; `nil` where S3 does not tell them.
  private static func parts(
    of info: S3.ObjectInfo, _ value: String, _ part: (Int) async throws -> S3.ObjectInfo
  ) async throws -> [Int64]? {
    guard let count = value.split(separator: "-").last.flatMap({ Int($0) }), (1...10_000).contains(count),
      let total = info.contentLength
    else { return nil }
    let first = try await part(1)
    guard first.partsCount == count, let size = first.contentLength, size > 0 else { return nil }
    // Most have parts of one size, and what is left as the last one.
    let rest = total - size * Int64(count - 1)
    if count == 1 { return size == total ? [size] : nil }
    if rest > 0, try await part(count).contentLength == rest {
      return Array(repeating: size, count: count - 1) + [rest]
    }
    var sizes = [size]
    for number in 2...count {
      guard let size = try await part(number).contentLength else { return nil }
      sizes.append(size)
    }
    return sizes.reduce(0, +) == total ? sizes : nil
  }

  /// Whether a file's bytes are the object's.
  func holds(for path: String) throws -> Bool {
    let file = try ReadFile(path)
    guard let parts else { return try Self.text(of: hashed(file, upTo: .max).digest, digest) == value }
    var digests: [UInt8] = []
    for size in parts {
      let (part, length) = try hashed(file, upTo: size)
      guard length == size else { return false }
      digests += part
    }
    var whole = Hasher(digest)
    whole.update(digests[...])
    return "\(Self.text(of: whole.finish(), digest))-\(parts.count)" == value
  }

  private func hashed(_ file: ReadFile, upTo limit: Int64) throws -> (digest: [UInt8], length: Int64) {
    var (hasher, length) = (Hasher(digest), Int64(0))
    while length < limit {
      try Task.checkCancellation()
      let chunk = try file.next(upTo: Int(min(limit - length, 1 << 20)))
      if chunk.isEmpty { break }
      hasher.update(chunk[...])
      length += Int64(chunk.count)
    }
    return (hasher.finish(), length)
  }

  private static func text(of bytes: [UInt8], _ digest: Digest) -> String {
    switch digest {
    case .checksum: Data(bytes).base64EncodedString()
    case .md5: bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
  }

  private enum Hasher {
    case checksum(ChecksumHasher)
    case md5(Insecure.MD5)

    init(_ digest: Digest) {
      self =
        switch digest {
        case .checksum(let algorithm): .checksum(ChecksumHasher(algorithm))
        case .md5: .md5(Insecure.MD5())
        }
    }

    mutating func update(_ bytes: ArraySlice<UInt8>) {
      switch self {
      case .checksum(var hasher):
        hasher.update(bytes)
        self = .checksum(hasher)
      case .md5(var hasher):
        bytes.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        self = .md5(hasher)
      }
    }

    func finish() -> [UInt8] {
      switch self {
      case .checksum(let hasher): Data(base64Encoded: hasher.finish()).map { Array($0) } ?? []
      case .md5(let hasher): Array(hasher.finalize())
      }
    }
  }
}

/// A file read from its beginning to its end.
private final class ReadFile {
  private let descriptor: Int32
  private let path: String

  init(_ path: String) throws(ModelError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw ModelError(.file, "reading \(path) failed: \(String(cString: strerror(errno)))")
    }
  }

  deinit { close(descriptor) }

  func next(upTo count: Int) throws(ModelError) -> [UInt8] {
    var number: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
      var result = -1
      repeat { result = read(descriptor, buffer.baseAddress, count) } while result < 0 && errno == EINTR
      number = result < 0 ? errno : 0
      length = max(0, result)
    }
    guard number == 0 else {
      throw ModelError(.file, "reading \(path) failed: \(String(cString: strerror(number)))")
    }
    return bytes
  }
}
