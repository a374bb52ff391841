/// A request as a ``ScriptedHTTPServer`` received it.
public struct RecordedRequest: Sendable {
  /// The method as it stood on the wire.
  public var method: String
  /// The request target as it stood on the wire, query included.
  public var target: String
  /// The header fields in their order, with their names as they came.
  public var headers: [(name: String, value: String)]
  /// The body, decoded if it came in chunks; empty where only the head was read.
  public var body: [UInt8] = []
  /// The connection it came on, counted from 1.
  public var connection: Int
  /// Whether the body came in chunked transfer coding.
  public var isChunked = false

  /// The target without its query.
  public var path: String { String(target.prefix { $0 != "?" }) }
  /// What follows the first `?` of the target, or `nil`.
  public var query: String? { target.firstIndex(of: "?").map { String(target[target.index(after: $0)...]) } }
  /// The body as text.
  public var text: String { String(decoding: body, as: UTF8.self) }

  /// The first value of a header, its name in any case.
  public func header(_ name: String) -> String? { values(name).first }

  /// All values of a header, its name in any case.
  public func values(_ name: String) -> [String] {
    let name = name.lowercased()
    return headers.filter { $0.name.lowercased() == name }.map(\.value)
  }
}
