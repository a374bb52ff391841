import Crypto
import FoundationEssentials

/// The secret that webhooks of one tenant are signed with (Standard Webhooks 1.0, symmetric signatures).
public struct WebhookSecret: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
  /// The key; 24 to 64 bytes.
  public let bytes: [UInt8]

  /// What its text begins with.
  static let mark = "whsec_"

  /// A secret by its bytes; `nil` for fewer than 24 or more than 64.
  public init?(bytes: [UInt8]) {
    guard (24...64).contains(bytes.count) else { return nil }
    self.bytes = bytes
  }

  /// A secret by its text: `whsec_` and base64.
  public init?(_ text: String) {
    guard text.hasPrefix(Self.mark), let data = Data(base64Encoded: String(text.dropFirst(Self.mark.count))) else {
      return nil
    }
    self.init(bytes: Array(data))
  }

  /// A random one.
  public static func random() -> WebhookSecret {
    WebhookSecret(unchecked: SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) })
  }

  /// The secret of one tenant, by that of the deployment: nobody can forge what is meant for another.
  public func derived(for tenant: String) -> WebhookSecret {
    let code = HMAC<SHA256>.authenticationCode(
      for: Array("webhooks of tenant \(tenant)".utf8), using: SymmetricKey(data: bytes))
    return WebhookSecret(unchecked: Array(code))
  }

  private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

  /// Never the key: what holds a secret is described in logs.
  public var description: String { "WebhookSecret" }
  /// Nothing, for the same reason.
  public var customMirror: Mirror { Mirror(self, children: []) }

  /// The text by which receivers are told it.
  public var text: String { Self.mark + Data(bytes).base64EncodedString() }

  /// The value of `webhook-signature` for a message.
  ///
  /// - Parameters:
  ///   - id: the value of `webhook-id`.
  ///   - seconds: the value of `webhook-timestamp`, seconds since 1970.
  public func signature(of body: [UInt8], id: String, seconds: Int64) -> String {
    let signed = Array("\(id).\(seconds).".utf8) + body
    let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: bytes))
    return "v1," + Data(code).base64EncodedString()
  }

  /// Whether a message that came in is from the bearer of this secret, and new enough.
  ///
  /// - Parameters:
  ///   - id: the value of `webhook-id`; the same id again is the same message, and to be passed over.
  ///   - timestamp: the value of `webhook-timestamp`.
  ///   - signature: the value of `webhook-signature`, one or several.
  ///   - tolerance: how far the sender's clock may be from ours, the way here included.
  public func verifies(
    _ body: [UInt8], id: String, timestamp: String, signature: String, at now: Timestamp,
    tolerance: Duration = .seconds(300)
  ) -> Bool {
    guard let seconds = Int64(timestamp), (0...9_999_999_999).contains(seconds) else { return false }
    let age = now - Timestamp(milliseconds: seconds * 1000)
    guard age <= tolerance, age >= .zero - tolerance else { return false }
    let expected = SecretDigest(of: self.signature(of: body, id: id, seconds: seconds))
    return signature.split(separator: " ").contains { SecretDigest(of: String($0)).matches(expected) }
  }
}
