/// A signature and the texts that it was made from, for those who must compare them with a service's complaint.
public struct Signature: Sendable {
  /// The canonical request, byte for byte.
  public let canonicalRequestBytes: [UInt8]
  /// The string to sign, byte for byte.
  public let stringToSignBytes: [UInt8]
  /// The names of the signed header fields, `host;x-amz-date`.
  public let signedHeaders: String
  /// `20130524/us-east-1/s3/aws4_request`.
  public let scope: String
  /// `20130524T000000Z`.
  public let timestamp: String
  /// The signature, 64 hexadecimal digits.
  public let value: String

  /// The canonical request as text.
  public var canonicalRequest: String { String(decoding: canonicalRequestBytes, as: UTF8.self) }
  /// The string to sign as text.
  public var stringToSign: String { String(decoding: stringToSignBytes, as: UTF8.self) }
}
