import Crypto

/// What a signature says about the body: the last line of a canonical request.
public struct PayloadHash: Sendable, Hashable {
  /// The line itself, as it also stands in `X-Amz-Content-SHA256`.
  public let text: String

  private init(_ text: String) { self.text = text }

  /// No body.
  public static let empty = PayloadHash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  /// The body is not signed; TLS and a checksum protect it.
  public static let unsigned = PayloadHash("UNSIGNED-PAYLOAD")
  /// S3: the body comes in chunks, each with a signature of its own.
  public static let streaming = PayloadHash("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
  /// S3: signed chunks, then signed trailing fields.
  public static let streamingWithTrailer = PayloadHash("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
  /// S3: unsigned chunks, then trailing fields (a checksum) without a signature.
  public static let streamingUnsignedWithTrailer = PayloadHash("STREAMING-UNSIGNED-PAYLOAD-TRAILER")

  /// The SHA-256 of a body.
  public static func sha256(of body: some Collection<UInt8>) -> PayloadHash {
    body.isEmpty ? empty : PayloadHash(hexText(digest(of: body)))
  }

  static func digest(of body: some Collection<UInt8>) -> SHA256Digest {
    var hasher = SHA256()
    let hashed: Void? = body.withContiguousStorageIfAvailable {
      hasher.update(bufferPointer: UnsafeRawBufferPointer($0))
    }
    if hashed == nil { hasher.update(data: Array(body)) }
    return hasher.finalize()
  }

  /// A SHA-256 that is known already: 32 bytes.
  public static func sha256(digest: some Sequence<UInt8>) -> PayloadHash { PayloadHash(hexText(Array(digest))) }
}
