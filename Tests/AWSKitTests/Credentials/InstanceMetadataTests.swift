import AWSKit
import Foundation
import HTTPTransport
import SDTestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct InstanceMetadataTests {
  /// What is answered below `/latest/meta-data/` to whoever has the token.
  private func metadata(_ known: [String: String]) throws -> (server: ScriptedHTTPServer, metadata: InstanceMetadata) {
    let server = try ScriptedHTTPServer { request in
      if request.method == "PUT" { return .respond(body: "the token") }
      guard request.header("x-aws-ec2-metadata-token") == "the token" else { return .respond(status: 401) }
      return known[String(request.path.dropFirst("/latest/meta-data/".count))].map { .respond(body: $0) }
        ?? .respond(status: 404)
    }
    let environment = Environment(["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url, "HOME": "/nonexistent"])
    let configuration = try AWSConfiguration.load(environment: environment)
    return (server, InstanceMetadata(configuration, transport: CurlTransport()))
  }

  @Test func anInterruptionIsToldWithItsTime() async throws {
    let (server, metadata) = try metadata([
      "spot/instance-action": #"{"action": "terminate", "time": "2017-09-18T08:22:00Z"}"#
    ])
    let told = try #require(try await metadata.spotInterruption())
    #expect(told.action == "terminate")
    #expect(told.time == Date(timeIntervalSince1970: 1_505_722_920))
    _ = try await metadata.spotInterruption()
    #expect(server.requests.map(\.method) == ["PUT", "GET", "GET"])
  }

  @Test func aRebalanceRecommendationIsToldWithItsTime() async throws {
    let (_, metadata) = try metadata([
      "events/recommendations/rebalance": #"{"noticeTime": "2020-10-27T08:22:00Z"}"#
    ])
    #expect(try await metadata.rebalanceRecommendation() == Date(timeIntervalSince1970: 1_603_786_920))
    #expect(try await metadata.spotInterruption() == nil)
  }

  @Test func nothingAnnouncedIsNothing() async throws {
    let (_, metadata) = try metadata([:])
    #expect(try await metadata.spotInterruption() == nil)
    #expect(try await metadata.rebalanceRecommendation() == nil)
  }

  @Test func whatIsNoNoticeIsAnError() async throws {
    let (_, metadata) = try metadata(["spot/instance-action": "soon"])
    await #expect(throws: AWSError.self) { try await metadata.spotInterruption() }
  }
}
