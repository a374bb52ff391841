import HTTPTransport
import HTTPTypes
import SDTestKit
import Testing

@Suite("An exchange") struct ExchangeTests {
  @Test func getAnswersWithHeadAndBody() async throws {
    let server = try ScriptedHTTPServer { .respond(headers: [("X-Echo", $0.target)], body: $0.method) }
    let transport = CurlTransport()
    let answer = try await transport.send(HTTPRequest(url: server.url + "/a/../b?x=1"), upTo: 100)
    #expect(answer.head.status == 200)
    #expect(answer.head.headerFields[.init("X-Echo")!] == "/a/../b?x=1")
    #expect(answer.body == Array("GET".utf8))
    await transport.shutdown()
  }

  @Test func postSendsItsBytesAndHeadersAsTheyStand() async throws {
    let server = try ScriptedHTTPServer { .respond(body: $0.body) }
    let transport = CurlTransport()
    let request = try HTTPRequest(method: .post, url: server.url + "/", headerFields: [.contentType: "text/plain"])
    let answer = try await transport.send(request, body: .bytes(Array("hello".utf8)), upTo: 100)
    #expect(answer.body == Array("hello".utf8))
    #expect(server.requests.first?.header("content-type") == "text/plain")
    #expect(server.requests.first?.header("content-length") == "5")
  }
}
