/// Says whether a presigned URL of a store allows what its bearer asks for, where a gateway serves those of the store.
///
/// Such a URL is `<address of the gateway>/files/<bucket>/<key>?access=GET&expires=...&signature=...`, the key
/// percent-encoded.
public protocol PresignedAccessVerifier: Sendable {
  /// Throws `.denied` unless the store itself signed this access to this key and its time has not passed.
  ///
  /// - Parameters:
  ///   - expires: the URL's `expires`, as it stands there.
  ///   - signature: the URL's `signature`, as it stands there.
  func verify(_ key: String, _ access: PresignedAccess, expires: String, signature: String) throws
}
