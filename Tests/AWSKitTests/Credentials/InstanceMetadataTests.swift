import FoundationEssentials
import HTTPTransport
import HTTPTypes
import SDTestKit
import Synchronization
import Testing

@testable import AWSKit

/// The metadata service of an instance, beyond credentials.
struct InstanceMetadataTests {
  private func metadata(
    _ transport: any Transport, _ variables: [String: String] = [:], profile: [String: String] = [:]
  ) -> InstanceMetadata {
    var configuration = AWSConfiguration()
    configuration.environment = Environment(variables)
    configuration.files.profiles["default"] = Profile("default")
    configuration.files.profiles["default"]?.values = profile
    return InstanceMetadata(configuration, transport: transport, time: ManualTime().source)
  }

  // MARK: Where it is

  @Test func itIsAskedAtTheAddressOfTheMode() async throws {
    let variable = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"
    let key = "ec2_metadata_service_endpoint_mode"
    let url = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
    let cases: [(variables: [String: String], profile: [String: String], authority: String)] = [
      ([:], [:], "169.254.169.254"),
      ([variable: "IPv4"], [key: "IPv6"], "169.254.169.254"),
      ([variable: "IPv6"], [:], "[fd00:ec2::254]"),
      ([:], [key: "ipv6"], "[fd00:ec2::254]"),
      ([url: "http://[::1]:8080/", variable: "IPv6"], [:], "[::1]:8080"),
    ]
    for item in cases {
      let transport = RecordingTransport { _ in (200, "eu-west-3") }
      let region = try await metadata(transport, item.variables, profile: item.profile).region()
      #expect(region == "eu-west-3")
      #expect(transport.exchanges.map { $0.request.authority } == [item.authority, item.authority])
      #expect(transport.exchanges.allSatisfy { $0.options.policy?.usesEnvironmentProxies == false })
    }
  }

  @Test func anotherModeIsAnError() async throws {
    let transport = RecordingTransport()
    let error = await #expect(throws: AWSError.self) {
      try await metadata(transport, ["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ipv5"]).region()
    }
    #expect(error?.code == .invalidConfiguration && transport.exchanges.isEmpty)
  }

  @Test func itIsReachedOverIPv6() async throws {
    let server = try ScriptedHTTPServer(host: "::1") { request in
      request.method == "PUT" ? .respond(body: "t") : .respond(body: "eu-north-1")
    }
    let found = try await metadata(CurlTransport(), ["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url]).region()
    #expect(found == "eu-north-1")
    #expect(server.requests.map(\.path) == ["/latest/api/token", "/latest/meta-data/placement/region"])
  }

  @Test func whereItIsTurnedOffNothingIsAsked() async throws {
    let transport = RecordingTransport()
    let error = await #expect(throws: AWSError.self) {
      try await metadata(transport, ["AWS_EC2_METADATA_DISABLED": "TRUE"]).region()
    }
    #expect(error?.code == .noInstanceMetadata && transport.exchanges.isEmpty)
  }

  // MARK: What it says

  private func spot(_ answer: ScriptedAnswer) async throws -> InstanceMetadata.SpotInterruption? {
    let server = try ScriptedHTTPServer { request in
      switch request.path {
      case "/latest/api/token": .respond(body: "t")
      case "/latest/meta-data/spot/instance-action": answer
      default: .respond(status: 500)
      }
    }
    return try await metadata(CurlTransport(), ["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url]).spotInterruption()
  }

  @Test func aSpotInstancesEndIsTold() async throws {
    #expect(try await spot(.respond(status: 404)) == nil)
    let notice = try await spot(.json(#"{"action": "terminate", "time": "2017-09-18T08:22:00Z"}"#))
    #expect(notice?.action == "terminate" && notice?.time == WireTimeParser.date("2017-09-18T08:22:00Z"))
    #expect(try await spot(.json(#"{"action": "hibernate"}"#)) == .init(action: "hibernate", time: nil))
  }

  @Test(arguments: ["", "{}", "terminate", #"{"action": 1}"#, #"{"action": "stop", "time": "soon"}"#])
  func aNoticeThatIsNoneIsAnError(_ text: String) async throws {
    let error = await #expect(throws: AWSError.self) { try await spot(.json(text)) }
    #expect(error?.code == .malformedAnswer)
  }

  @Test func aRebalanceRecommendationIsToldWithItsTime() async throws {
    let server = try ScriptedHTTPServer { request in
      switch request.path {
      case "/latest/api/token": .respond(body: "t")
      case "/latest/meta-data/events/recommendations/rebalance": .json(#"{"noticeTime": "2020-10-27T08:22:00Z"}"#)
      default: .respond(status: 404)
      }
    }
    let metadata = metadata(CurlTransport(), ["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url])
    #expect(try await metadata.rebalanceRecommendation() == WireTimeParser.date("2020-10-27T08:22:00Z"))
    #expect(try await metadata.spotInterruption() == nil)
  }

  @Test func aTokenThatIsNotTakenIsRenewedOnce() async throws {
    let taken = "second"
    let tokens = Mutex(0)
    let server = try ScriptedHTTPServer { request in
      if request.method == "PUT" {
        let isFirst = tokens.withLock { count in
          count += 1
          return count == 1
        }
        return .respond(body: isFirst ? "first" : taken)
      }
      return request.header("x-aws-ec2-metadata-token") == taken ? .respond(body: "r") : .respond(status: 401)
    }
    let metadata = metadata(CurlTransport(), ["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url])
    #expect(try await metadata.region() == "r")
    #expect(try await metadata.text("meta-data/instance-id") == "r")
    #expect(server.requests.map(\.method) == ["PUT", "GET", "PUT", "GET", "GET"])
  }
}
