import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// What is known of a request's connection.
struct ConnectionContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// The peer's address, without its port.
  let client: String?

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    client = source.channel.remoteAddress?.ipAddress
  }
}

/// Carries requests from Hummingbird to the handlers, and their answers back.
struct HummingbirdAdapter: HTTPResponder {
  typealias Context = ConnectionContext

  let door: FrontDoor
  /// The bytes of body that are read.
  let limit: Int
  /// How many proxies stand before this server: the address that the first of them saw is the client's.
  let proxies: Int

  func respond(to request: Request, context: Context) async throws -> Response {
    var inner = GatewayRequest(request.method, request.head.path ?? "/", headers: request.headers)
    // Which of two hosts is meant is anybody's guess (RFC 9112, section 3.2): the first was taken out as the authority.
    guard request.headers[.host] == nil else {
      return response(
        Problem(.badRequest, "a request names one host").response(instance: inner.path), to: request)
    }
    inner.headers[.host] = request.head.authority
    inner.client = client(of: request, context)
    // Bodies are read where a method has one; an event stream needs the unread rest to notice that its client left.
    if request.method == .post || request.method == .put {
      guard let body = try await body(of: request) else { return response(door.refuseBody(of: inner), to: request) }
      inner.body = body
    }
    return response(await door.respond(to: inner), to: request)
  }

  /// Each proxy appends what it saw, so that only as many entries from the end as there are proxies can be trusted.
  private func client(of request: Request, _ context: Context) -> String? {
    guard proxies > 0 else { return context.client }
    let seen = request.headers[values: .xForwardedFor].joined(separator: ",").split(separator: ",")
    guard seen.count >= proxies else { return context.client }
    return String(seen[seen.count - proxies].filter { $0 != " " })
  }

  /// The body, or `nil` when it is too large.
  private func body(of request: Request) async throws -> [UInt8]? {
    if let text = request.headers[.contentLength], let length = Int(text), length > limit { return nil }
    var bytes: [UInt8] = []
    for try await chunk in request.body {
      guard bytes.count + chunk.readableBytes <= limit else { return nil }
      bytes.append(contentsOf: chunk.readableBytesView)
    }
    return bytes
  }

  private func response(_ inner: GatewayResponse, to request: Request) -> Response {
    var headers = inner.headers
    let isHead = request.method == .head
    switch inner.body {
    case .none: return Response(status: inner.status, headers: headers)
    case .bytes(let bytes):
      headers[.contentLength] = String(bytes.count)
      return Response(
        status: inner.status, headers: headers, body: isHead ? .init() : .init(byteBuffer: ByteBuffer(bytes: bytes)))
    case .stream(let length, let next):
      headers[.contentLength] = String(length)
      let body = ResponseBody(contentLength: Int(length)) { writer in
        while let chunk = try await next() { try await writer.write(ByteBuffer(bytes: chunk)) }
        try await writer.finish(nil)
      }
      return Response(status: inner.status, headers: headers, body: isHead ? .init() : body)
    case .events(let events):
      guard !isHead else { return Response(status: inner.status, headers: headers) }
      let body = ResponseBody { writer in
        try await request.body.consumeWithCancellationOnInboundClose { _ in
          for await event in events { try await writer.write(ByteBuffer(bytes: event.bytes)) }
        }
        try await writer.finish(nil)
      }
      return Response(status: inner.status, headers: headers, body: body)
    }
  }
}
