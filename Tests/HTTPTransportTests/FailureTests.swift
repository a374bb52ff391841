import HTTPTransport
import HTTPTypes
import SDTestKit
import Testing

@Suite("What goes wrong on the wire", .timeLimit(.minutes(5))) struct FailureTests {
  private func code(
    _ answer: ScriptedAnswer, options: TransferOptions = .init(), upTo limit: Int = 1 << 20
  ) async throws -> TransportError.Code? {
    let server = try ScriptedHTTPServer { _ in answer }
    return try await withTransport { transport in
      let request = try HTTPRequest(url: server.url + "/secret?key=secret")
      let error = await failure { () throws(TransportError) in
        try await transport.send(request, upTo: limit, options: options)
      }
      if let error {
        #expect(!error.description.contains("secret"))
        #expect(error.requestMayHaveBeenSent)
      }
      return error?.code
    }
  }

  @Test func aTruncatedBodyIsALostConnection() async throws {
    #expect(try await code(.respond(body: "0123456789").cut(after: 4)) == .connectionLost)
    #expect(try await code(.fill(count: 3_000_000).cut(after: 2_000_000), upTo: 4_000_000) == .connectionLost)
  }

  @Test func aTruncatedChunkIsALostConnection() async throws {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    #expect(try await code(.raw(head + "5\r\nabc").then(.close)) == .connectionLost)
    #expect(try await code(.raw(head + "3\r\nabc\r\n").then(.close)) == .connectionLost)
    #expect(try await code(.raw(head + "zz\r\nabc\r\n0\r\n\r\n").then(.close)) == .connectionLost)
  }

  @Test func aResetIsALostConnection() async throws {
    #expect(try await code(.reset) == .connectionLost)
    #expect(try await code(.raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").then(.reset)) == .connectionLost)
  }

  @Test func noAnswerIsALostConnection() async throws {
    #expect(try await code(.close) == .connectionLost)
  }

  @Test(arguments: [
    "hello, this is no HTTP\r\n\r\n", "HTTP/0.9 fine\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 99 Low\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}\u{5}",
    "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\n folded\r\nA: b\r\n\r\n",
    "HTTP/1.1 200 OK\r\n folded\r\nA: b\r\n c\r\n\r\n",
    "HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\u{0}c\r\n\r\n", "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Le",
  ])
  func aMalformedAnswerIsALostConnection(_ text: String) async throws {
    #expect(try await code(.raw(text).then(.close)) == .connectionLost)
  }

  @Test func oddButLegalHeadersAreTaken() async throws {
    let server = try ScriptedHTTPServer { _ in
      .raw(
        Array("HTTP/1.1 200\r\nX-Fold: a\r\n\t b\r\nX-Empty:\r\nX-Space:  \t c \t\r\nX-Colon: a:b:c\r\n".utf8)
          + Array("x-space: d\r\nX-Latin: ".utf8) + [0xE9]
          + Array("\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok".utf8))
    }
    try await withTransport { transport in
      let answer = try await transport.send(HTTPRequest(url: server.url), upTo: 10)
      func values(_ name: String) -> [String] {
        HTTPField.Name(name).map { answer.head.headerFields[values: $0] } ?? []
      }
      #expect(values("x-fold") == ["a b"])
      #expect(values("x-empty") == [""])
      #expect(values("x-space") == ["c", "d"])
      #expect(values("x-colon") == ["a:b:c"])
      #expect(values("x-latin").count == 1)
      #expect(answer.body == Array("ok".utf8))
    }
  }

  @Test func headsAreBounded() async throws {
    let line = "X-Long: " + String(repeating: "x", count: 1000) + "\r\n"
    let head = "HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 80)
    #expect(try await code(.raw(head + "\r\n").then(.close)) == .tooLarge)
    let interims = String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 5000)
    #expect(try await code(.raw(interims).then(.close)) == .tooLarge)
    #expect(try await code(.raw("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 400_000)).then(.close)) != nil)
  }

  @Test func bodiesAreBoundedByTheOptions() async throws {
    let limited = TransferOptions.with { $0.maximumResponseBytes = 1000 }
    #expect(try await code(.fill(count: 1000), options: limited) == nil)
    #expect(try await code(.fill(count: 1001), options: limited) == .tooLarge)
    #expect(try await code(.chunked(Array(repeating: "0123456789", count: 101)), options: limited) == .tooLarge)
  }

  @Test func bodiesAreBoundedByTheirCollector() async throws {
    #expect(try await code(.fill(count: 1000), upTo: 1000) == nil)
    #expect(try await code(.fill(count: 1001), upTo: 1000) == .tooLarge)
    #expect(try await code(.fill(count: 5_000_000), upTo: 4_000_000) == .tooLarge)
    #expect(try await code(.chunked(["0123456789", "0"]), upTo: 10) == .tooLarge)
  }

  @Test func aStreamedBodyGivesWhatCameBeforeItBroke() async throws {
    let server = try ScriptedHTTPServer { _ in .fill(count: 1_000_000).cut(after: 900_000) }
    try await withTransport { transport in
      let response = try await transport.execute(HTTPRequest(url: server.url), body: .none, options: .init())
      var count = 0
      let error = await failure { () throws(TransportError) in
        for try await chunk in response.body { count += chunk.count }
      }
      #expect(error?.code == .connectionLost)
      #expect(count == 900_000)
    }
  }

  @Test func nobodyListening() async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    let url = server.url
    server.stop()
    try await withTransport { transport in
      let request = try HTTPRequest(url: url)
      let error = await failure { () throws(TransportError) in try await transport.send(request, upTo: 0) }
      #expect(error?.code == .connectionFailed)
      #expect(error?.requestMayHaveBeenSent == false)
    }
  }

  @Test func anUnknownName() async throws {
    try await withTransport { transport in
      let request = try HTTPRequest(url: "http://no-such-host.invalid/")
      let error = await failure { () throws(TransportError) in try await transport.send(request, upTo: 0) }
      #expect(error?.code == .nameNotResolved)
      #expect(error?.requestMayHaveBeenSent == false)
    }
  }

  @Test func aKeptConnectionThatDiedIsReplacedForASafeMethod() async throws {
    // The second request on a connection gets no answer: as if the server had closed it in the meantime.
    let seen = Counter()
    let server = try ScriptedHTTPServer { _ in seen.add() == 2 ? .close : .respond(body: "ok") }
    try await withTransport { transport in
      for _ in 0..<2 {
        let answer = try await transport.send(HTTPRequest(url: server.url), upTo: 10)
        #expect(answer.body == Array("ok".utf8))
      }
      #expect(server.requests.count == 3)
      #expect(server.acceptedConnections == 2)
    }
  }

  @Test(arguments: [10, 200_000])
  func aKeptConnectionThatDiedIsAnErrorForAnUnsafeMethod(_ size: Int) async throws {
    let seen = Counter()
    let server = try ScriptedHTTPServer { _ in seen.add() == 2 ? .close : .respond(body: "ok") }
    try await withTransport { transport in
      let request = try HTTPRequest(method: .post, url: server.url)
      let body = RequestBody.bytes([UInt8](repeating: 1, count: size))
      _ = try await transport.send(request, body: body, upTo: 10)
      let error = await failure { () throws(TransportError) in try await transport.send(request, body: body, upTo: 10) }
      #expect(error?.code == .connectionLost)
      #expect(error?.requestMayHaveBeenSent == true)
      #expect(server.requests.count == 2)
    }
  }

  @Test(arguments: [
    "ftp://h/", "http:/h/", "//h/", "http://", "http:///p", "http://u:p@h/", "http://h:0/", "http://h:65536/",
    "http://h:x/",
    "http://h:/", "http://h /", "http://h/a b", "http://h/\r\nX: y", "http://h/é", "http://é/", "http://[::1/",
    "http://[h]/",
    "http://[::1]x/", "http://[::1%25eth0]/", "h", "", "http://h\u{0}/", "http://h/\u{7F}", "http://a%62/",
  ])
  func unusableURLsAreRefused(_ url: String) async throws {
    let error = await failure { () throws(TransportError) in try HTTPRequest(url: url) }
    #expect(error?.code == .invalidRequest)
    #expect(error?.description.contains("u:p") == false)
  }

  @Test func usableURLsAreCutExactly() throws {
    let request = try HTTPRequest(method: .post, url: "HTTPS://h.x_y-z:8443?a=b#frag")
    #expect(request.scheme == "https")
    #expect(request.authority == "h.x_y-z:8443")
    #expect(request.path == "/?a=b")
    #expect(try HTTPRequest(url: "http://[2001:DB8::1]:80/").authority == "[2001:DB8::1]:80")
    #expect(try HTTPRequest(url: "http://h").path == "/")
  }

  @Test func unusableRequestsAreRefusedBeforeAnythingIsSent() async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    let authority = "127.0.0.1:\(server.port)"
    let bodies: [(HTTPRequest, RequestBody)] = [
      (.init(method: .get, scheme: nil, authority: authority, path: "/"), .none),
      (.init(method: .get, scheme: "file", authority: authority, path: "/etc/passwd"), .none),
      (.init(method: .get, scheme: "http", authority: nil, path: "/"), .none),
      (.init(method: .get, scheme: "http", authority: "u@" + authority, path: "/"), .none),
      (.init(method: .get, scheme: "http", authority: authority, path: "a"), .none),
      (.init(method: .get, scheme: "http", authority: authority, path: "/a b"), .none),
      (.init(method: .connect, scheme: "http", authority: authority, path: "/"), .none),
      (.init(method: .head, scheme: "http", authority: authority, path: "/"), .bytes([1])),
      (
        .init(method: .put, scheme: "http", authority: authority, path: "/", headerFields: [.contentLength: "2"]),
        .bytes([1])
      ),
      (
        .init(
          method: .put, scheme: "http", authority: authority, path: "/", headerFields: [.transferEncoding: "chunked"]),
        .bytes([1])
      ),
    ]
    try await withTransport { transport in
      for (request, body) in bodies {
        let error = await failure { () throws(TransportError) in
          try await transport.execute(request, body: body, options: .init())
        }
        #expect(error?.code == .invalidRequest, "\(request.debugDescription)")
        #expect(error?.requestMayHaveBeenSent == false)
      }
    }
    #expect(server.acceptedConnections == 0)
  }
}
