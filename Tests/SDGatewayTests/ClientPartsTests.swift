import Testing

@testable import SDClient
@testable import SDCore

@Suite struct ClientPartsTests {
  private static let stream = """
    retry: 250
    : a comment

    event: state
    data: {"a":1}

    data: x
    data:y
    id: 7

    event: nothing

    \u{FEFF}

    """

  @Test(
    "Events are read wherever the bytes are cut, whatever ends their lines", arguments: ["\n", "\r\n", "\r"],
    [1, 2, 3, 1000])
  func parses(ending: String, size: Int) throws {
    let bytes = Array(
      Self.stream.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: ending).utf8)
    var parser = EventStreamParser()
    var events: [EventStreamParser.Event] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      let read = parser.feed(bytes[start..<min(bytes.count, start + size)])
      events += try #require(read)
    }
    #expect(events == [.init(name: "state", data: #"{"a":1}"#), .init(name: "message", data: "x\ny")])
    #expect(parser.retry == 250 && parser.lastID == "7")
  }

  @Test("An event without end is given up")
  func endless() {
    var parser = EventStreamParser()
    let chunk = [UInt8](repeating: 0x61, count: 1 << 20)
    var isRefused = false
    for _ in 0..<40 where parser.feed(chunk) == nil {
      isRefused = true
      break
    }
    #expect(isRefused)
  }

  @Test("Empty lines without end are given up too")
  func endlessLines() {
    var parser = EventStreamParser()
    let chunk = Array(repeatElement("data:\n".utf8, count: 1 << 18).joined())
    #expect((0..<200).contains { _ in parser.feed(chunk) == nil })
  }

  @Test("A task goes out as it was given")
  func submission() throws {
    let json: JSONValue = [
      "runtime": "r", "type": "text-to-image", "content": ["a": 1], "id": "i", "prefix": "p", "context": [1],
      "expires_in": 5, "priority": "high", "webhook": ["url": "https://x.example", "when_running": true],
    ]
    #expect(try TaskSubmission(json: json).json == json)
    let odd: JSONValue = [
      "type": "text-to-image", "content": [:], "expires_in": "60", "priority": "hihg", "webhook": "https://x.example",
      "runtime": 5, "expires_im": 7,
    ]
    #expect(try TaskSubmission(json: odd).json.object?.count == odd.object?.count)
    for name in ["expires_in", "priority", "webhook", "runtime", "expires_im"] {
      #expect(try TaskSubmission(json: odd).json[name] == odd[name], "\(name)")
    }
    #expect(throws: RequestProblem.self) { try TaskSubmission(json: ["type": "x"]) }
    #expect(throws: RequestProblem.self) { try TaskSubmission(json: []) }
  }

  @Test(
    "A file is named as the store names it, where that is harmless",
    arguments: [
      ("s3://b/p/t1/t1-1.png", "t1-1.png"), ("file:///x/.hidden", "output-1"), ("memory:b/a%2F..%2Fb", "output-1"),
      ("", "output-1"),
    ])
  func fileNames(uri: String, name: String) throws {
    let output = try TaskView.Output(
      json: ["n": 1, "uri": .string(uri), "url": "/x", "content_type": "image/png", "bytes": 1, "sha256": "a"])
    #expect(output.fileName == name)
  }
}
