import FoundationEssentials
import HTTPTransport
import HTTPTypes

/// Exchanges of HTTPTransport alone, with a server whose authority is in a file.
struct Exchanges {
  private let url, authority: String
  private let count: Int

  init(_ arguments: ArraySlice<String>) {
    (url, count, authority) = (arguments[2], Int(arguments[3]) ?? 1, arguments[4])
  }

  func get() async throws {
    var configuration = CurlTransport.Configuration()
    configuration.certificateAuthorityFile = authority
    let transport = CurlTransport(configuration: configuration)
    let request = try HTTPRequest(url: url)
    // One first: what follows knows by then what the peer speaks.
    var answers = [try await answer(transport, request)]
    try await withThrowingTaskGroup(of: JSONValue.self) { group in
      for _ in 1..<max(1, count) { group.addTask { try await answer(transport, request) } }
      for try await answer in group { answers.append(answer) }
    }
    await transport.shutdown()
    try Probe.report(.array(answers))
  }

  private func answer(_ transport: CurlTransport, _ request: HTTPRequest) async throws -> JSONValue {
    let (head, body) = try await transport.send(request, upTo: 1 << 20)
    return .object([
      "status": .number(Double(head.status.code)), "body": .string(String(decoding: body, as: UTF8.self)),
    ])
  }
}
