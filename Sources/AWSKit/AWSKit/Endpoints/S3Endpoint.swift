/// S3's own settings.
public struct S3Settings: Sendable, Hashable {
  /// Where the bucket's name goes.
  public enum AddressingStyle: String, Sendable, Hashable {
    /// Into the host, but for buckets that don't fit there and for configured endpoints.
    case auto
    /// Into the host, for configured endpoints too.
    case virtual
    /// Into the path.
    case path
  }

  /// Where the bucket's name goes.
  public var addressingStyle = AddressingStyle.auto
  /// S3 Transfer Acceleration.
  public var usesAccelerate = false
  /// Whether the region of an access point's ARN goes before the client's.
  public var usesARNRegion = true
  /// Whether us-east-1 is asked at its regional endpoint instead of `s3.amazonaws.com`.
  public var usesRegionalUSEast1 = false
  /// Endpoints that answer over IPv6 too, for S3 alone.
  public var usesDualStack = false
  /// Whether requests for objects are paid by who sends them, where the bucket's owner asks for that.
  public var paysForRequests = false
  /// Whether bodies are signed over TLS too; `nil`: only where no checksum goes along.
  public var signsPayload: Bool?

  /// The defaults of the AWS CLI.
  public init() {}
}

/// Where a bucket is reached.
///
/// Buckets by name go into the host where it can hold them, else into the path. Access points come as ARNs.
/// Directory buckets (S3 Express) and multi-region access points are refused: they take another signature.
enum S3Endpoint {
  /// The endpoint for a bucket, or for calls without one.
  ///
  /// The path holds the bucket in path style.
  static func resolve(bucket: String?, region: String, endpoints: EndpointSettings, s3: S3Settings)
    throws(AWSError) -> Endpoint
  {
    let custom: Endpoint? =
      if let url = endpoints.serviceURLs["s3"] ?? endpoints.url { try Endpoint(url: url) } else { nil }
    guard Service.isHostLabel(region) else {
      throw AWSError(.invalidEndpoint, "S3 cannot be reached: \(region.debugDescription) is no region")
    }
    let resolver = Resolver(region: region, endpoints: endpoints, s3: s3, custom: custom)
    guard custom == nil || !s3.usesAccelerate else {
      throw AWSError(.invalidEndpoint, "S3 Transfer Acceleration does not go with an endpoint URL")
    }
    if custom == nil, endpoints.usesFIPS {
      guard resolver.partition.id != "aws-cn" else {
        throw AWSError(.invalidEndpoint, "S3 has no FIPS endpoints in China")
      }
      guard !s3.usesAccelerate else {
        throw AWSError(.invalidEndpoint, "S3 Transfer Acceleration has no FIPS endpoints")
      }
    }
    guard let bucket else { return resolver.service() }
    if bucket.hasPrefix("arn:") { return try resolver.accessPoint(bucket) }
    if bucket.hasSuffix("--x-s3") || bucket.hasSuffix("--xa-s3") || bucket.hasSuffix("--op-s3") {
      throw AWSError(.invalidEndpoint, "directory buckets and Outposts are not supported: \(bucket)")
    }
    guard isBucketName(bucket) else { throw AWSError(.invalidInput, "\(bucket.debugDescription) is no bucket") }
    return try resolver.bucket(bucket)
  }

  /// Whether a text is a bucket's name, by the wider rules of old.
  private static func isBucketName(_ text: String) -> Bool {
    (1...255).contains(text.utf8.count) && text != "." && text != ".."
      && text.utf8.allSatisfy { byte in
        Service.isHostLabelByte(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
      }
  }

  /// Whether a bucket's name can be a host's first label, or labels where dots are allowed.
  static func isVirtualHostable(_ bucket: String, dots: Bool) -> Bool {
    guard bucket.utf8.count >= 3, !bucket.utf8.contains(where: { lowercased($0) != $0 }) else { return false }
    let labels = bucket.split(separator: ".", omittingEmptySubsequences: false)
    if labels.count > 1, !dots { return false }
    if labels.count == 4, labels.allSatisfy({ (1...3).contains($0.utf8.count) && UInt16($0) != nil }) { return false }
    return labels.allSatisfy { Service.isHostLabel($0) }
  }
}

private struct Resolver {
  let region: String
  let endpoints: EndpointSettings
  let s3: S3Settings
  /// A configured URL; FIPS and dual-stack mean nothing then.
  let custom: Endpoint?

  var partition: Partition { Partition.of(region: region) }
  var usesDualStack: Bool { endpoints.usesDualStack || s3.usesDualStack }
  var dual: String { usesDualStack ? ".dualstack" : "" }
  var fips: String { endpoints.usesFIPS ? "-fips" : "" }

  /// `s3.amazonaws.com` stands for us-east-1 unless its own endpoint is asked for.
  var isGlobal: Bool {
    region == "aws-global" || (region == "us-east-1" && !s3.usesRegionalUSEast1)
  }

  func signed(_ endpoint: Endpoint) -> Endpoint {
    var endpoint = endpoint
    if region == "aws-global" { endpoint.signingRegion = "us-east-1" }
    return endpoint
  }

  func service() -> Endpoint {
    if let custom { return signed(custom) }
    if isGlobal, !endpoints.usesFIPS, !usesDualStack {
      return signed(Endpoint(authority: "s3.amazonaws.com"))
    }
    let place = region == "aws-global" ? "us-east-1" : region
    return signed(Endpoint(authority: "s3\(fips)\(dual).\(place).\(partition.dnsSuffix)"))
  }

  func bucket(_ bucket: String) throws(AWSError) -> Endpoint {
    if s3.usesAccelerate { return try accelerated(bucket) }
    let inPath = custom != nil ? s3.addressingStyle != .virtual : s3.addressingStyle == .path
    let base = service()
    let dots = custom?.scheme == "http"
    guard !inPath, custom?.isNumeric != true, S3Endpoint.isVirtualHostable(bucket, dots: dots) else {
      var endpoint = base
      endpoint.path += "/" + PercentEncoding.encode(bucket)
      return endpoint
    }
    var endpoint = base
    endpoint.authority = "\(bucket).\(base.authority)"
    return endpoint
  }

  private func accelerated(_ bucket: String) throws(AWSError) -> Endpoint {
    guard partition.id != "aws-cn" else {
      throw AWSError(.invalidEndpoint, "S3 Transfer Acceleration has no endpoints in China")
    }
    guard S3Endpoint.isVirtualHostable(bucket, dots: false) else {
      throw AWSError(.invalidEndpoint, "S3 Transfer Acceleration needs a bucket without dots: \(bucket)")
    }
    return signed(Endpoint(authority: "\(bucket).s3-accelerate\(dual).\(partition.dnsSuffix)"))
  }

  /// `arn:aws:s3:eu-west-1:123456789012:accesspoint/name`, also of Object Lambda.
  func accessPoint(_ text: String) throws(AWSError) -> Endpoint {
    guard let arn = ARN(text), arn.service == "s3" || arn.service == "s3-object-lambda" else {
      throw AWSError(.invalidEndpoint, "\(text.debugDescription) is no ARN of an access point")
    }
    let parts = arn.resource.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "/" || $0 == ":" }
    guard parts.count == 2, parts[0] == "accesspoint", Service.isHostLabel(parts[1]) else {
      throw AWSError(.invalidEndpoint, "\(text.debugDescription) names no access point")
    }
    guard Service.isHostLabel(arn.region), Service.isHostLabel(arn.account) else {
      throw AWSError(.invalidEndpoint, "\(text.debugDescription): only access points of one region are supported")
    }
    guard !s3.usesAccelerate else {
      throw AWSError(.invalidEndpoint, "S3 Transfer Acceleration does not go with access points")
    }
    guard s3.usesARNRegion || arn.region == region else {
      throw AWSError(.invalidEndpoint, "the access point is in \(arn.region), the client in \(region)")
    }
    let partition = Partition.of(region: arn.region)
    guard partition.id == self.partition.id, partition.id == arn.partition else {
      throw AWSError(.invalidEndpoint, "the access point is in \(arn.partition), the client in \(self.partition.id)")
    }
    let name = "\(parts[1])-\(arn.account)"
    var endpoint: Endpoint
    if let custom {
      endpoint = custom
      endpoint.authority = "\(name).\(custom.authority)"
    } else if arn.service == "s3" {
      endpoint = Endpoint(authority: "\(name).s3-accesspoint\(fips)\(dual).\(arn.region).\(partition.dnsSuffix)")
    } else {
      guard !usesDualStack else {
        throw AWSError(.invalidEndpoint, "S3 Object Lambda has no dual-stack endpoints")
      }
      endpoint = Endpoint(authority: "\(name).s3-object-lambda\(fips).\(arn.region).\(partition.dnsSuffix)")
    }
    endpoint.signingRegion = arn.region
    if arn.service != "s3" { endpoint.signingName = arn.service }
    return endpoint
  }
}
