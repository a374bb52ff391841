import SDTestKit
import Testing

@testable import AWSKit

/// A call's token is made once, however often the call is sent.
struct IdempotencyTests {
  private func tokens(_ name: String, of call: (AWSClient) async throws -> Void) async throws -> [String] {
    let unavailable = ScriptedAnswer.queryError("Unavailable", status: 503)
    let server = try ScriptedHTTPServer(answers: [unavailable, .reset, .respond(body: "<R><StackId>s</StackId></R>")])
    try await call(.testing(server))
    #expect(server.requests.count == 3)
    return server.requests.map { $0.form[name] ?? "none" }
  }

  @Test func allAttemptsHaveOneTokenAndEachCallItsOwn() async throws {
    var made: Set<String> = []
    for _ in 0..<2 {
      let sent = try await tokens("ClientToken") { client in
        _ = try await EC2(client).runInstances(.init(imageID: "ami-1", instanceType: "t3.micro"))
      }
      #expect(Set(sent).count == 1 && sent[0].count == 36)
      made.insert(sent[0])
    }
    let sent = try await tokens("ClientRequestToken") { client in
      _ = try await CloudFormation(client).createStack(.init(name: "s", template: .body("{}")))
    }
    #expect(Set(sent).count == 1 && sent[0].count == 36)
    #expect(made.union(sent).count == 3)
  }

  @Test func theCallersOwnTokenIsKept() async throws {
    let sent = try await tokens("ClientToken") { client in
      var input = EC2.RunInstancesInput(imageID: "ami-1", instanceType: "t3.micro")
      input.clientToken = "mine"
      _ = try await EC2(client).runInstances(input)
    }
    #expect(sent == ["mine", "mine", "mine"])
  }
}
