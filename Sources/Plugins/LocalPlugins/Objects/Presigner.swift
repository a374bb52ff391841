import Crypto
import FoundationEssentials
import Glibc
import SDCore

/// Signs addresses of objects for a while, with a secret that lies in the state directory for its user alone.
///
/// `<publicURL>/<bucket>/<key>?access=GET&expires=<seconds since 1970>&signature=<HMAC-SHA-256>`; the key is
/// percent-encoded, slashes too, so that no server on the way makes another path of it.
struct Presigner: PresignedAccessVerifier {
  private let secret: SymmetricKey
  private let bucket: String
  private let publicURL: String
  private let clocks: Clocks

  private static let file = "presign.key"
  private static let longest: Duration = .seconds(7 * 24 * 3600)

  init(directory: String, bucket: String, publicURL: String, clocks: Clocks) throws {
    secret = try Self.secret(in: directory)
    (self.bucket, self.clocks) = (bucket, clocks)
    self.publicURL = String(publicURL.trimmingTrailingSlash)
  }

  /// The directory's secret, made by whoever comes first.
  private static func secret(in directory: String) throws -> SymmetricKey {
    let folder = try Descriptor.open(path: directory, flags: O_RDONLY | O_DIRECTORY)
    let temporary = ".\(file).\(RandomName.make())"
    for _ in 0..<3 {
      do {
        let bytes = try folder.open(file, flags: O_RDONLY).read(at: 0, count: 33)
        guard bytes.count == 32 else {
          throw SDError(.corrupt, "\(directory)/\(file) does not have 32 bytes; remove it to make a new one")
        }
        return SymmetricKey(data: bytes)
      } catch let error as SDError where error.code == .notFound {}
      let new = try folder.open(temporary, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
      defer { _ = try? folder.remove(temporary) }
      try new.write(SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) })
      try new.sync()
      // A link is made whole or not at all, and never over another one's.
      guard linkat(folder.raw, temporary, folder.raw, file, 0) == 0 || errno == EEXIST else {
        throw SDError(errno: errno, "making", "\(directory)/\(file)")
      }
      try folder.sync()
    }
    throw SDError(.unavailable, "\(directory)/\(file) comes and goes")
  }

  func url(_ key: String, _ access: PresignedAccess, expires: Duration) throws(SDError) -> String {
    guard expires > .zero, expires <= Self.longest else {
      throw SDError(.invalid, "a presigned URL for \(expires); it may live up to seven days")
    }
    let end = "\((clocks.timestamp.milliseconds + expires.milliseconds) / 1000)"
    let signature = hexadecimal(
      HMAC<SHA256>.authenticationCode(for: text(key, access, end), using: secret))
    return
      "\(publicURL)/\(bucket)/\(percentEncoded(key, keepsSlashes: false))?access=\(access.rawValue)&expires=\(end)&signature=\(signature)"
  }

  func verify(_ key: String, _ access: PresignedAccess, expires: String, signature: String) throws(SDError) {
    guard let code = bytes(hexadecimal: signature),
      HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: text(key, access, expires), using: secret)
    else { throw SDError(.denied, "a presigned URL with a wrong signature") }
    guard let end = Int64(expires), clocks.timestamp.milliseconds < end * 1000 else {
      throw SDError(.denied, "a presigned URL that has expired")
    }
  }

  private func text(_ key: String, _ access: PresignedAccess, _ expires: String) -> [UInt8] {
    Array("sd-presign-1\n\(access.rawValue)\n\(expires)\n\(bucket)\n\(key)".utf8)
  }
}

/// A text with every byte percent-encoded that RFC 3986 does not leave unreserved.
func percentEncoded(_ text: String, keepsSlashes: Bool) -> String {
  let digits = Array("0123456789ABCDEF".utf8)
  var bytes: [UInt8] = []
  for byte in text.utf8 {
    switch UnicodeScalar(byte) {
    case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", "~": bytes.append(byte)
    case "/" where keepsSlashes: bytes.append(byte)
    default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}
