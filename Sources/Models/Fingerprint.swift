import Crypto

/// A short name for a text: the same for the same text, and for no other.
enum Fingerprint {
  static func of(_ text: String) -> String {
    SHA256.hash(data: Array(text.utf8)).prefix(16).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }
}
