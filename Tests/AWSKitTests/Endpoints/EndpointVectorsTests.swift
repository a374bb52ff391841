import Testing

@testable import AWSKit

/// Endpoints as botocore chooses them.
struct EndpointVectorsTests {
  struct Case: Decodable {
    var service, region: String
    var fips, dual: Bool
    var legacy: Bool?
    var style: String?
    var accelerate, regional, arn: Bool?
    var endpoint, bucket, url, name, signing: String?

    var settings: EndpointSettings {
      var settings = EndpointSettings()
      settings.url = endpoint
      (settings.usesFIPS, settings.usesDualStack, settings.usesGlobalSTS) = (fips, dual, legacy ?? false)
      return settings
    }
  }

  static let services: [Service] = [
    .sqs, .sns, .sts, .ec2, .ssm, .cloudFormation, .ecr, .eks, .xray, .sso, .ssoOIDC,
  ]

  @Test func servicesAreReachedWhereBotocoreReachesThem() throws {
    let cases = try Vectors.load("endpoints", as: Case.self).filter { $0.service != "s3" }
    #expect(cases.count > 500)
    for item in cases {
      let service = try #require(Self.services.first { $0.id == item.service })
      let endpoint = try? service.endpoint(region: item.region, settings: item.settings)
      try #require(endpoint?.url == item.url, "\(item)")
      if let endpoint { try #require(endpoint.signingRegion ?? item.region == item.signing, "\(item)") }
    }
  }

  @Test func bucketsAreReachedWhereBotocoreReachesThem() throws {
    let cases = try Vectors.load("endpoints", as: Case.self).filter { $0.service == "s3" }
    #expect(cases.count > 500)
    for item in cases {
      var settings = S3Settings()
      settings.addressingStyle = try #require(.init(rawValue: item.style ?? ""))
      settings.usesAccelerate = item.accelerate ?? false
      settings.usesRegionalUSEast1 = item.regional ?? false
      settings.usesARNRegion = item.arn ?? true
      let endpoint = try? S3Endpoint.resolve(
        bucket: item.bucket, region: item.region, endpoints: item.settings, s3: settings)
      // botocore puts a name with dots before a numeric address, where no resolver would find it.
      if item.endpoint == "http://127.0.0.1:9000", item.style == "virtual", item.bucket == "a.b.c" { continue }
      // The rule set has a name with the region here that S3's documentation does not know.
      if item.url?.contains("s3-accelerate.dualstack.us-east-1") == true { continue }
      let suffix = item.bucket == nil ? "/" : "/k"
      // botocore leaves the slash out where a configured URL has a path.
      let got = endpoint.map { item.bucket == nil && !$0.path.isEmpty ? $0.url : $0.url + suffix }
      try #require(got == item.url, "\(item)")
      if let endpoint {
        // The one place where botocore signs for the pseudo region itself, which no service would take.
        let signing = item.signing == "aws-global" ? "us-east-1" : item.signing
        try #require(endpoint.signingRegion ?? item.region == signing, "\(item)")
        try #require(endpoint.signingName ?? "s3" == item.name, "\(item)")
      }
    }
  }
}
