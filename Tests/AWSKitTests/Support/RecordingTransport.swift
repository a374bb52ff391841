import HTTPTransport
import HTTPTypes
import Synchronization

@testable import AWSKit

/// Keeps what it is handed, and answers at once.
final class RecordingTransport: Transport {
  struct Exchange: Sendable {
    var request: HTTPRequest
    var options: TransferOptions
  }

  typealias Answer = (status: Int, body: String)
  private let recorded = Mutex<[Exchange]>([])
  private let answer: @Sendable (HTTPRequest) -> Answer

  init(_ answer: @escaping @Sendable (HTTPRequest) -> Answer = { _ in (200, "<R/>") }) { self.answer = answer }

  var exchanges: [Exchange] { recorded.withLock { $0 } }

  func execute(_ request: HTTPRequest, body: RequestBody, options: TransferOptions) async throws(TransportError)
    -> TransportResponse
  {
    recorded.withLock { $0.append(Exchange(request: request, options: options)) }
    let (status, text) = answer(request)
    return TransportResponse(head: HTTPResponse(status: .init(code: status)), body: ResponseBody(Array(text.utf8)))
  }

  /// A client of AWS's own endpoints over this transport.
  func client(_ change: (inout AWSConfiguration) -> Void = { _ in }) -> AWSClient {
    var configuration = AWSConfiguration(region: "eu-central-1")
    change(&configuration)
    return AWSClient(
      configuration: configuration, credentials: StaticCredentialProvider(accessKeyID: "AKID", secretAccessKey: "s"),
      transport: self)
  }
}
