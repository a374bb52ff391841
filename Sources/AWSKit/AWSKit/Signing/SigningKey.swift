import Crypto
import Synchronization

/// The key that a day's requests to one service in one region are signed with.
struct SigningKey: Sendable {
  /// The key taken in already, so that a signature hashes its text alone.
  private let code: HMAC<SHA256>

  /// Derives the key: four HMACs, one inside the other.
  init(secret: String, day: String, region: String, service: String) {
    var key = SymmetricKey(data: Array("AWS4\(secret)".utf8))
    for part in [day, region, service, "aws4_request"] {
      key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
    }
    code = HMAC(key: key)
  }

  /// The signature of a string to sign, in hexadecimal.
  func sign(_ text: [UInt8]) -> String {
    var code = code
    code.update(data: text)
    return hexText(code.finalize())
  }
}

/// The signing keys of late: deriving one costs more than signing with it.
final class SigningKeyCache: Sendable {
  private struct Entry {
    var secret: String
    var day: String
    var region: String
    var service: String
    var key: SigningKey
  }

  private static let capacity = 16
  private let entries = Mutex<[Entry]>([])

  func key(secret: String, day: String, region: String, service: String) -> SigningKey {
    let found = entries.withLock { entries in
      entries.first { $0.secret == secret && $0.day == day && $0.region == region && $0.service == service }?.key
    }
    if let found { return found }
    let key = SigningKey(secret: secret, day: day, region: region, service: service)
    entries.withLock { entries in
      if entries.count >= Self.capacity { entries.removeFirst() }
      entries.append(Entry(secret: secret, day: day, region: region, service: service, key: key))
    }
    return key
  }
}
