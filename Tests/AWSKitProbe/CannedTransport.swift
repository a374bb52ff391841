import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Synchronization

/// Keeps the first request that it is given, and answers as the case says.
final class CannedTransport: Transport {
  struct Exchange {
    var request: HTTPRequest
    var body: [UInt8]
  }

  let first = Mutex<Exchange?>(nil)
  private let answer: JSONValue

  init(answer: JSONValue) { self.answer = answer }

  func execute(_ request: HTTPRequest, body: RequestBody, options: TransferOptions) async throws(TransportError)
    -> TransportResponse
  {
    let bytes: [UInt8]
    do { bytes = try await Self.collect(body) } catch {
      throw TransportError(.bodyFailed, "the body could not be made", underlying: error)
    }
    first.withLock { if $0 == nil { $0 = Exchange(request: request, body: bytes) } }
    var fields = HTTPFields()
    for field in answer["headers"].list {
      if let name = HTTPField.Name(field.list.first?.text ?? "") {
        fields.append(HTTPField(name: name, value: field.list.last?.text ?? ""))
      }
    }
    let head = HTTPResponse(status: .init(code: answer["status"].int ?? 599), headerFields: fields)
    return TransportResponse(head: head, body: ResponseBody(answer["body"].bytes))
  }

  private static func collect(_ body: RequestBody) async throws -> [UInt8] {
    switch body {
    case .none: return []
    case .bytes(let bytes): return Array(bytes)
    case .file(let path, let offset, let length):
      let file = try Data(contentsOf: URL(filePath: path))
      return Array(file[Int(offset)..<Int(offset + length)])
    case .stream(_, let source):
      let next = source()
      var bytes: [UInt8] = []
      while let chunk = try await next() { bytes += chunk }
      return bytes
    }
  }
}
