/// One event of a stream of them (WHATWG HTML, section 9.2).
package struct ServerSentEvent: Sendable, Hashable {
  /// Its name; `nil` for a comment that only shows that the stream lives.
  package var name: String?
  /// Its data, one line.
  package var data: String
  /// What a client whose stream ended says of it when it comes again.
  package var id: String?
  /// Milliseconds after which a client whose stream ended is to come again.
  package var retry: Int?

  package init(_ name: String?, data: String = "", id: String? = nil, retry: Int? = nil) {
    (self.name, self.data, self.id, self.retry) = (name, data, id, retry)
  }

  /// The event as it goes over the wire.
  package var bytes: [UInt8] {
    var text = retry.map { "retry: \($0)\n" } ?? ""
    if let id { text += "id: \(id)\n" }
    if let name { text += "event: \(name)\ndata: \(data)\n" } else if retry == nil { text += ":\n" }
    return Array((text + "\n").utf8)
  }
}
