import Crypto
import FoundationEssentials
import SDCore

/// What is kept beside an object's bytes: what they are, and by which digests they are known.
///
/// It holds the description of the bytes that are about to come as well as of those that are there, since two files
/// cannot be renamed at once: whichever bytes a reader finds, their description is there. The rename of the bytes
/// commits. A last line with the digest of the rest tells whether the sidecar itself is what was written.
struct ObjectSidecar: Codable {
  /// One write of the object.
  struct Description: Codable, Equatable {
    var etag: String
    var size: Int64
    /// Inode and time of change of the file; they tell without reading it which write a file is.
    var inode: UInt64
    var changed: Int64
    var modified: Int64
    var contentType: String
    var metadata: [String: String]
    /// SHA-256 of each block of `blockSize` bytes, hexadecimal.
    var blocks: [String]

    /// As callers see it.
    func info(_ key: String) -> ObjectInfo {
      ObjectInfo(
        key: key, size: size, etag: etag, modified: Timestamp(milliseconds: modified), contentType: contentType,
        metadata: metadata)
    }

    /// Whether a file looks like the one of this write.
    func fits(_ status: FileStatus) -> Bool {
      size == status.size && inode == status.inode && changed == status.modified
    }
  }

  /// The newest write first.
  var descriptions: [Description]

  /// Bytes that are read and verified at once.
  static let blockSize = 1 << 20

  init(_ descriptions: [Description]) { self.descriptions = descriptions }

  /// A sidecar from its file's bytes; `nil` when they are not what was written.
  init?(parsing bytes: [UInt8]) {
    guard bytes.count > 66, bytes.last == UInt8(ascii: "\n"), bytes[bytes.count - 66] == UInt8(ascii: "\n") else {
      return nil
    }
    let json = bytes[..<(bytes.count - 66)]
    let digest = String(decoding: bytes[(bytes.count - 65)..<(bytes.count - 1)], as: UTF8.self)
    guard hexadecimal(SHA256.hash(data: json)) == digest,
      let sidecar = try? JSONDecoder().decode(Self.self, from: Data(json))
    else { return nil }
    self = sidecar
  }

  /// The bytes of the sidecar's file.
  func serialized() throws -> [UInt8] {
    let json = try JSONEncoder().encode(self)
    return Array(json) + Array("\n\(hexadecimal(SHA256.hash(data: json)))\n".utf8)
  }
}
