import HTTPTransport
import HTTPTypes
import SDCore
import SDTestKit
import Testing

@testable import SDRuntime

@Suite("The Kubernetes API", .timeLimit(.minutes(1)))
struct KubernetesAPITests {
  /// The pod's API is always spoken to by TLS; the scripted server is not.
  private struct Plain: Transport {
    func execute(_ request: HTTPRequest, body: RequestBody, options: TransferOptions) async throws(TransportError)
      -> TransportResponse
    {
      var request = request
      #expect(request.scheme == "https")
      request.scheme = "http"
      return try await CurlTransport.shared.execute(request, body: body, options: options)
    }
  }

  private func folder() throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    _ = try folder.file("token", "first\n")
    _ = try folder.file("namespace", "pictures")
    return folder
  }

  private func environment(_ port: UInt16) -> [String: String] {
    ["KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "\(port)", "HOSTNAME": "sd-0"]
  }

  @Test("gets a merge patch of this pod's annotations, with the token as it is now")
  func annotate() async throws {
    let server = try ScriptedHTTPServer { _ in .respond(body: "{}") }
    let folder = try folder()
    let api = try KubernetesAPI(environment: environment(server.port), folder: folder.path, transport: Plain())
    try await api.annotate(["a/b": "1", "c": nil])
    _ = try folder.file("token", "second\n")
    try await api.annotate(["c": nil])
    let (first, second) = (server.requests[0], server.requests[1])
    #expect(first.method == "PATCH")
    #expect(first.target == "/api/v1/namespaces/pictures/pods/sd-0")
    #expect(first.header("content-type") == "application/merge-patch+json")
    #expect(first.text == #"{"metadata":{"annotations":{"a/b":"1","c":null}}}"#)
    #expect(server.requests.map { $0.header("authorization") } == ["Bearer first", "Bearer second"])
    #expect(second.text == #"{"metadata":{"annotations":{"c":null}}}"#)
  }

  @Test("says what it refused")
  func refusal() async throws {
    let server = try ScriptedHTTPServer { _ in .respond(status: 403, body: #"{"message":"pods is forbidden"}"#) }
    let folder = try folder()
    let api = try KubernetesAPI(environment: environment(server.port), folder: folder.path, transport: Plain())
    let error = await #expect(throws: SDError.self) { try await api.annotate(["a": "1"]) }
    #expect(error?.code == .denied)
    #expect(error?.message.contains("403 pods is forbidden") == true)
    #expect(error?.message.contains("first") == false)
  }

  @Test("is missed with words that say what to do")
  func missing() throws {
    let folder = try folder()
    #expect(throws: SDError.self) { try KubernetesAPI(environment: [:], folder: folder.path) }
    let error = #expect(throws: SDError.self) {
      try KubernetesAPI(environment: environment(1), folder: folder.path + "/none")
    }
    #expect(error?.message.contains("mount a service account token") == true)
  }
}
