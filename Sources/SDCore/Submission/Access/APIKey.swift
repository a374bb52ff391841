import Crypto

/// A key that lets a client in, as a deployment keeps it: by its digest alone, with what it is allowed.
public struct APIKey: Sendable, Hashable {
  /// What logs and metrics call it.
  public var name: String
  /// The SHA-256 of each secret that is taken: two while one is being replaced by another.
  public var digests: [SecretDigest]
  /// Whose tasks it sees; empty for the deployment's own, which are those of nobody in particular.
  public var tenant: String
  /// What the keys of its tasks' objects begin with, without a slash at its end; a tenant always has one.
  public var prefix: String
  /// Calls a second that it is good for, on the long run; `nil` for any number.
  public var rate: Double?
  /// Calls that it may make at once after a pause.
  public var burst: Int
  /// Its tasks are refused while so many wait in their runtime's queue; `nil` for the deployment's own limit.
  public var queueLimit: Int?
  /// Whether its tasks may ask for high priority.
  public var mayHurry: Bool
  /// Whether it may handle what is everybody's: dead letters.
  public var mayOperate: Bool
  /// Not taken from then on.
  public var expiresAt: Timestamp?

  /// A key; tenants that name no prefix get one that bears their name.
  public init(
    name: String, digests: [SecretDigest], tenant: String = "", prefix: String? = nil, rate: Double? = nil,
    burst: Int? = nil, queueLimit: Int? = nil, mayHurry: Bool = true, mayOperate: Bool = false,
    expiresAt: Timestamp? = nil
  ) {
    self.name = name
    self.digests = digests
    self.tenant = tenant
    self.prefix = prefix ?? tenant
    self.rate = rate
    self.burst = burst ?? max(1, Int((min(rate ?? 1, 1e9) * 2).rounded(.up)))
    self.queueLimit = queueLimit
    self.mayHurry = mayHurry
    self.mayOperate = mayOperate
    self.expiresAt = expiresAt
  }
}

/// The SHA-256 of a secret.
///
/// A fast digest is enough, since keys are random bits and not words that people choose: there is nothing to be guessed
/// faster by having the file.
public struct SecretDigest: Sendable, Hashable {
  /// The 32 bytes.
  public let bytes: [UInt8]

  /// The digest of a secret.
  public init(of secret: String) { bytes = Array(SHA256.hash(data: Array(secret.utf8))) }

  /// A digest by its 64 hexadecimal digits; `nil` for anything else.
  public init?(hexadecimal text: String) {
    guard let bytes = SDCore.bytes(hexadecimal: text), bytes.count == 32 else { return nil }
    self.bytes = bytes
  }

  /// The 64 hexadecimal digits.
  public var text: String { hexadecimal(bytes) }

  /// Whether both are the same, in a time that does not tell how far they agree.
  func matches(_ other: SecretDigest) -> Bool {
    var difference: UInt8 = 0
    for (a, b) in zip(bytes, other.bytes) { difference |= a ^ b }
    return difference == 0 && bytes.count == other.bytes.count
  }
}
