import FoundationEssentials
import HTTPTypes

extension S3 {
  /// A URL that whoever holds it can use until it ends.
  public struct PresignedURL: Sendable, Hashable {
    /// The URL.
    public var url: String
    /// The method that it is for.
    public var method: String
    /// Header fields that must be sent with it, word for word; `Host` goes without saying.
    public var fields: [String: String]
  }

  /// A URL to read an object with.
  ///
  /// - Parameters:
  ///   - input: the object; ``GetObjectInput/answerFields`` make a browser save it under a name.
  ///   - lifetime: 1 second to 7 days, and no longer than the credentials live.
  public func presignGetObject(_ input: GetObjectInput, lifetime: Duration) async throws(AWSError) -> PresignedURL {
    var input = input
    // A browser would not send the field for it.
    input.verifiesChecksum = false
    return try await presign(try getCall("GetObject", .get, input), lifetime)
  }

  /// A URL to write an object with.
  ///
  /// - Parameters:
  ///   - input: the object; its body is left out of the signature, its settings must be sent along.
  ///   - lifetime: 1 second to 7 days, and no longer than the credentials live.
  public func presignPutObject(_ input: PutObjectInput, lifetime: Duration) async throws(AWSError) -> PresignedURL {
    var call = try call("PutObject", .put, bucket: input.bucket, key: input.key)
    do { try input.settings.add(to: &call.fields) } catch { throw core.named(error, call) }
    try input.conditions.add(to: &call.fields)
    try call.fields.add(.expectedBucketOwner, input.expectedOwner)
    if let checksum = input.checksum { try call.fields.add(checksum.algorithm.field, checksum.value) }
    return try await presign(call, lifetime)
  }

  private func presign(_ call: ServiceCall, _ lifetime: Duration) async throws(AWSError) -> PresignedURL {
    guard let endpoint = call.endpoint else { throw core.named(AWSError(.invalidEndpoint, "no endpoint"), call) }
    let request = HTTPRequest(
      method: call.method, scheme: endpoint.scheme, authority: endpoint.authority, path: endpoint.path + call.target,
      headerFields: call.fields)
    let credentials = try await core.client.credentials.credentials()
    let signed = try core.signer(for: endpoint).presign(
      request, with: credentials, at: core.now, lifetime: lifetime)
    var fields: [String: String] = [:]
    for field in signed.headerFields { fields[field.name.rawName] = field.value }
    return PresignedURL(
      url: "\(endpoint.scheme)://\(endpoint.authority)\(signed.path ?? "")", method: call.method.rawValue,
      fields: fields)
  }
}
