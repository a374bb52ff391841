/// Reads server-sent events from bytes as they come (WHATWG HTML, section 9.2.6).
struct EventStreamParser {
  /// One event.
  struct Event: Equatable {
    var name: String
    var data: String
  }

  /// The bytes that one event may have.
  static let maximumBytes = 32 << 20

  /// Milliseconds that the server wants between two connections.
  private(set) var retry: Int?
  /// The id of the last event that is complete; stays until another comes.
  private(set) var lastID: String?
  private var id: String?
  private var line: [UInt8] = []
  private var name = ""
  private var data: [String] = []
  private var dataBytes = 0
  private var lastWasReturn = false

  /// Begins a new stream: what is half read is dropped, what the server said of the next connection is kept.
  mutating func restart() {
    (line, name, data, dataBytes, lastWasReturn) = ([], "", [], 0, false)
    id = lastID
  }

  /// The events that are complete with these bytes; `nil` when one is larger than any may be.
  mutating func feed(_ bytes: some Sequence<UInt8>) -> [Event]? {
    var events: [Event] = []
    for byte in bytes {
      let endsReturn = lastWasReturn && byte == UInt8(ascii: "\n")
      lastWasReturn = byte == UInt8(ascii: "\r")
      if endsReturn { continue }
      guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else {
        line.append(byte)
        guard line.count + dataBytes <= Self.maximumBytes else { return nil }
        continue
      }
      if let event = endLine() { events.append(event) }
    }
    return events
  }

  private mutating func endLine() -> Event? {
    defer { line.removeAll(keepingCapacity: true) }
    guard !line.isEmpty else { return endEvent() }
    let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
    var value = line[colon...].dropFirst()
    if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
    let text = String(decoding: value, as: UTF8.self)
    switch String(decoding: line[..<colon], as: UTF8.self) {
    case "event": name = text
    case "data":
      data.append(text)
      // The line itself counts, too: empty ones are kept as well.
      dataBytes += value.count + 1
    case "id": if !text.contains("\0") { id = text }
    case "retry": retry = Int(text) ?? retry
    default: break
    }
    return nil
  }

  private mutating func endEvent() -> Event? {
    defer { (name, data, dataBytes) = ("", [], 0) }
    lastID = id
    return data.isEmpty ? nil : Event(name: name.isEmpty ? "message" : name, data: data.joined(separator: "\n"))
  }
}
