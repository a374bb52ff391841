package import HTTPTypes
import SDCore

/// An answer of the handlers, for whatever carries it.
package struct GatewayResponse: Sendable {
  /// What follows the head.
  package enum Body: Sendable {
    /// Nothing.
    case none
    /// Bytes in memory.
    case bytes([UInt8])
    /// Bytes of a known length that come in chunks, `nil` at the end.
    case stream(length: Int64, next: @Sendable () async throws -> ArraySlice<UInt8>?)
    /// Server-sent events for as long as the sequence goes on.
    case events(any AsyncSequence<ServerSentEvent, Never> & Sendable)
  }

  /// The status.
  package var status: HTTPResponse.Status
  /// The header fields, without those that say how the body is framed.
  package var headers: HTTPFields
  /// What follows the head.
  package var body: Body

  package init(_ status: HTTPResponse.Status, headers: HTTPFields = [:], body: Body = .none) {
    (self.status, self.headers, self.body) = (status, headers, body)
  }

  /// An answer in JSON.
  static func json(_ status: HTTPResponse.Status, _ value: JSONValue, headers: HTTPFields = [:]) -> GatewayResponse {
    var headers = headers
    if headers[.contentType] == nil { headers[.contentType] = "application/json" }
    headers[.cacheControl] = "no-store"
    return GatewayResponse(status, headers: headers, body: .bytes(value.serialized()))
  }

  /// A stream of events, which proxies are asked to pass on as they come.
  static func events(_ events: any AsyncSequence<ServerSentEvent, Never> & Sendable) -> GatewayResponse {
    GatewayResponse(
      .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store", .accelBuffering: "no"],
      body: .events(events))
  }

  /// An answer in plain text.
  static func text(_ status: HTTPResponse.Status, _ text: String) -> GatewayResponse {
    GatewayResponse(
      status, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
      body: .bytes(Array(text.utf8)))
  }
}
