public import HTTPTypes

extension HTTPRequest {
  /// A request to an absolute URL such as `https://host:8443/path?query`.
  ///
  /// Path and query are kept byte for byte; a fragment is left out. The URL must already be percent-encoded and its
  /// host in ASCII: nothing is guessed or repaired.
  ///
  /// - Throws: `.invalidRequest` if the scheme is neither http nor https, the URL holds user information, a character
  ///   that must be percent-encoded, or no host, or its port is not from 1 to 65535.
  public init(method: Method = .get, url: String, headerFields: HTTPFields = [:]) throws(TransportError) {
    switch URLParts.parse(url) {
    case .success(let parts):
      self.init(
        method: method, scheme: parts.scheme, authority: parts.authority, path: parts.path, headerFields: headerFields)
    case .failure(let fault):
      throw TransportError(
        .invalidRequest, "\(method.rawValue) to a URL that cannot be used: \(fault.reason)",
        requestMayHaveBeenSent: false)
    }
  }
}
