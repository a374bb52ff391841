import CAWSKit
import Crypto
import FoundationEssentials
import HTTPTypes

extension S3 {
  /// The checksums that S3 verifies and keeps with an object.
  public enum ChecksumAlgorithm: String, Sendable, Hashable, CaseIterable {
    /// The default of the AWS SDKs.
    case crc32 = "CRC32"
    /// Castagnoli's, done by hardware.
    case crc32c = "CRC32C"
    /// What S3 adds by itself where a client sends none.
    case crc64nvme = "CRC64NVME"
    /// SHA-1.
    case sha1 = "SHA1"
    /// SHA-256.
    case sha256 = "SHA256"

    /// The header field of its value.
    var field: HTTPField.Name {
      switch self {
      case .crc32: .checksumCRC32
      case .crc32c: .checksumCRC32C
      case .crc64nvme: .checksumCRC64NVME
      case .sha1: .checksumSHA1
      case .sha256: .checksumSHA256
      }
    }

    /// The characters of a value in base64.
    var valueLength: Int {
      switch self {
      case .crc32, .crc32c: 8
      case .crc64nvme: 12
      case .sha1: 28
      case .sha256: 44
      }
    }
  }

  /// What the checksum of an object that came in parts covers.
  public enum ChecksumType: String, Sendable, Hashable {
    /// The parts' checksums.
    case composite = "COMPOSITE"
    /// The object's bytes; for the three CRCs alone.
    case fullObject = "FULL_OBJECT"
  }

  /// A checksum as S3 tells it.
  public struct Checksum: Sendable, Hashable {
    /// How it was made.
    public var algorithm: ChecksumAlgorithm
    /// The value in base64; behind a hyphen the number of parts whose checksums it is made of.
    public var value: String

    /// A checksum that is known.
    public init(_ algorithm: ChecksumAlgorithm, _ value: String) { (self.algorithm, self.value) = (algorithm, value) }

    /// The checksum of bytes.
    public init(_ algorithm: ChecksumAlgorithm, of bytes: some Collection<UInt8>) {
      var hasher = ChecksumHasher(algorithm)
      hasher.update(bytes)
      self.init(algorithm, hasher.finish())
    }

    /// Whether it covers parts' checksums instead of the object's bytes.
    public var isComposite: Bool { value.utf8.contains(UInt8(ascii: "-")) }
  }
}

/// Makes a checksum piece by piece.
package struct ChecksumHasher: Sendable {
  private enum State: Sendable {
    case crc32(UInt32)
    case crc32c(UInt32)
    case crc64nvme(UInt64)
    case sha1(Insecure.SHA1)
    case sha256(SHA256)
  }

  private var state: State

  package init(_ algorithm: S3.ChecksumAlgorithm) {
    state =
      switch algorithm {
      case .crc32: .crc32(0)
      case .crc32c: .crc32c(0)
      case .crc64nvme: .crc64nvme(0)
      case .sha1: .sha1(Insecure.SHA1())
      case .sha256: .sha256(SHA256())
      }
  }

  package mutating func update(_ bytes: some Collection<UInt8>) {
    let done: Void? = bytes.withContiguousStorageIfAvailable { update($0) }
    if done == nil { Array(bytes).withUnsafeBufferPointer { update($0) } }
  }

  private mutating func update(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
    switch state {
    case .crc32(let value): state = .crc32(cawskit_crc32(value, base, bytes.count))
    case .crc32c(let value): state = .crc32c(cawskit_crc32c(value, base, bytes.count))
    case .crc64nvme(let value): state = .crc64nvme(cawskit_crc64nvme(value, base, bytes.count))
    case .sha1(var hasher):
      hasher.update(bufferPointer: UnsafeRawBufferPointer(bytes))
      state = .sha1(hasher)
    case .sha256(var hasher):
      hasher.update(bufferPointer: UnsafeRawBufferPointer(bytes))
      state = .sha256(hasher)
    }
  }

  /// The value in base64, in network order.
  package func finish() -> String {
    switch state {
    case .crc32(let value), .crc32c(let value): withUnsafeBytes(of: value.bigEndian) { Data($0).base64EncodedString() }
    case .crc64nvme(let value): withUnsafeBytes(of: value.bigEndian) { Data($0).base64EncodedString() }
    case .sha1(let hasher): Data(hasher.finalize()).base64EncodedString()
    case .sha256(let hasher): Data(hasher.finalize()).base64EncodedString()
    }
  }
}

extension HTTPField.Name {
  static let checksumCRC32 = HTTPField.Name("x-amz-checksum-crc32")!
  static let checksumCRC32C = HTTPField.Name("x-amz-checksum-crc32c")!
  static let checksumCRC64NVME = HTTPField.Name("x-amz-checksum-crc64nvme")!
  static let checksumSHA1 = HTTPField.Name("x-amz-checksum-sha1")!
  static let checksumSHA256 = HTTPField.Name("x-amz-checksum-sha256")!
}
