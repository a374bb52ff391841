import HTTPTransport
import HTTPTypes
import SDTestKit
import Testing

@Suite("An exchange", .timeLimit(.minutes(2))) struct ExchangeTests {
  @Test func getAnswersWithHeadAndBody() async throws {
    let server = try ScriptedHTTPServer { .respond(reason: "Fine", headers: [("X-Echo", $0.target)], body: $0.method) }
    try await withTransport { transport in
      let answer = try await transport.send(HTTPRequest(url: server.url + "/a/../b?x=1"), upTo: 100)
      #expect(answer.head.status == 200)
      #expect(answer.head.status.reasonPhrase == "Fine")
      #expect(answer.head.headerFields[try #require(.init("X-Echo"))] == "/a/../b?x=1")
      #expect(answer.body == Array("GET".utf8))
    }
  }

  @Test(arguments: [
    "/", "/?", "/a?", "//x//y/", "/./a/../b/.", "/%2f%2F%7e%7E%41", "/a%20b+c", "/?a=b&a=%26&c", "/?a?b/../c",
    "/~!$&'()*+,;=:@-._", "/\"<>\\^`{|}[]", "/a;b=1/..;/c", "/%", "/%zz", "/%00", "/?q=http://u:p@h/..%2f",
  ])
  func pathAndQueryGoToTheWireAsTheyStand(_ target: String) async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    try await withTransport { transport in
      _ = try await transport.send(HTTPRequest(url: server.url + target), upTo: 0)
      #expect(server.requests.map(\.target) == [target])
    }
  }

  @Test func headersGoOutInTheirOrderAndNothingIsAdded() async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    try await withTransport { transport in
      var request = try HTTPRequest(method: .put, url: server.url + "/")
      for (name, value) in [("x-Z", "1"), ("X-a", "two words"), ("x-Z", "3"), ("X-Empty", ""), ("X-Byte", "ü")] {
        request.headerFields.append(HTTPField(name: try #require(.init(name)), value: value))
      }
      _ = try await transport.send(request, body: .bytes(Array("ab".utf8)), upTo: 0)
      let sent = try #require(server.requests.first)
      #expect(
        sent.headers.map { "\($0.name): \($0.value)" } == [
          "Host: 127.0.0.1:\(server.port)", "x-Z: 1", "X-a: two words", "x-Z: 3", "X-Empty: ", "X-Byte: ü",
          "Content-Length: 2",
        ])
    }
  }

  @Test func aLineBreakInAValueDoesNotBecomeAHeader() async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    try await withTransport { transport in
      let name = try #require(HTTPField.Name("X-Odd"))
      let request = try HTTPRequest(url: server.url, headerFields: [name: "a\r\nX-Evil: b\u{0}c"])
      _ = try await transport.send(request, upTo: 0)
      let sent = try #require(server.requests.first)
      #expect(sent.header("x-odd") == "a  X-Evil: b c")
      #expect(sent.header("x-evil") == nil)
    }
  }

  @Test(arguments: ["GET", "DELETE", "PATCH", "POST", "PUT", "OPTIONS", "PROPFIND"])
  func methodsGoAsTheyStandAndAskForALengthWhereTheyNeedOne(_ name: String) async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    try await withTransport { transport in
      let request = try HTTPRequest(method: try #require(.init(name)), url: server.url)
      _ = try await transport.send(request, upTo: 0)
      let sent = try #require(server.requests.first)
      #expect(sent.method == name)
      #expect(sent.header("content-length") == (["PATCH", "POST", "PUT"].contains(name) ? "0" : nil))
      #expect(sent.header("content-type") == nil)
    }
  }

  @Test func aBodyMayGoWithAnyMethod() async throws {
    let server = try ScriptedHTTPServer { .respond(body: $0.body) }
    try await withTransport { transport in
      for method in [HTTPRequest.Method.get, .delete, .patch] {
        let answer = try await transport.send(
          HTTPRequest(method: method, url: server.url), body: .bytes(Array("x".utf8)), upTo: 1)
        #expect(answer.body == Array("x".utf8))
      }
      #expect(server.requests.map(\.method) == ["GET", "DELETE", "PATCH"])
    }
  }

  @Test func answersWithoutABodyEndAtTheirHead() async throws {
    let server = try ScriptedHTTPServer { request in
      switch request.path {
      case "/204": .respond(status: 204)
      case "/304": .respond(status: 304, headers: [("Content-Length", "17"), ("ETag", "\"e\"")])
      default: .raw("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
      }
    }
    try await withTransport { transport in
      for (method, path) in [(HTTPRequest.Method.get, "/204"), (.get, "/304"), (.head, "/head"), (.get, "/204")] {
        let response = try await transport.execute(
          HTTPRequest(method: method, url: server.url + path), body: .none, options: .init())
        #expect(response.body.expectedBytes == 0)
        #expect(try await response.body.collect(upTo: 0) == [])
        if method == .head { #expect(response.head.headerFields[.contentLength] == "1234") }
      }
      #expect(server.acceptedConnections == 1)
    }
  }

  @Test func interimAnswersAreSkipped() async throws {
    let firstBytes = Counter()
    let gate = ServerGate()
    let server = try ScriptedHTTPServer { _ in
      .interim(100).then(.interim(103, headers: [("Link", "</a>")])).then(.respond(body: "real").after(gate))
    }
    try await withTransport { transport in
      let options = TransferOptions.with { $0.onFirstByte = { _ in firstBytes.add() } }
      async let answer = transport.send(HTTPRequest(url: server.url), upTo: 10, options: options)
      #expect(try await eventually { gate.waiting == 1 })
      #expect(firstBytes.value == 0)
      gate.open()
      let (head, body) = try await answer
      #expect(head.status == 200)
      #expect(head.headerFields.count == 1)
      #expect(body == Array("real".utf8))
      #expect(firstBytes.value == 1)
    }
  }

  @Test func chunkedBodiesAndTrailersAreTaken() async throws {
    let server = try ScriptedHTTPServer { request in
      request.path == "/t"
        ? .raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")
        : .chunked(["Hello", ", ", "world"])
    }
    try await withTransport { transport in
      let response = try await transport.execute(HTTPRequest(url: server.url), body: .none, options: .init())
      #expect(response.body.expectedBytes == nil)
      #expect(try await response.body.collect(upTo: 100) == Array("Hello, world".utf8))
      let second = try await transport.send(HTTPRequest(url: server.url + "/t"), upTo: 100)
      #expect(second.body == Array("abc".utf8))
      #expect(second.head.headerFields.count == 1)
      #expect(server.acceptedConnections == 1)
    }
  }

  @Test func aBodyMayEndWithItsConnection() async throws {
    let server = try ScriptedHTTPServer { _ in .raw("HTTP/1.0 200 OK\r\n\r\nall of it").then(.close) }
    try await withTransport { transport in
      let answer = try await transport.send(HTTPRequest(url: server.url), upTo: 100)
      #expect(answer.body == Array("all of it".utf8))
    }
  }

  @Test func anAnswerMayComeByteByByte() async throws {
    let server = try ScriptedHTTPServer { _ in
      ScriptedAnswer.respond(headers: [("A", "b")], body: "slowly").trickled()
    }
    try await withTransport { transport in
      let answer = try await transport.send(HTTPRequest(url: server.url), upTo: 100)
      #expect(answer.body == Array("slowly".utf8))
      #expect(answer.head.headerFields[try #require(.init("a"))] == "b")
    }
  }

  @Test func redirectsAreAnswers() async throws {
    let server = try ScriptedHTTPServer { _ in .respond(status: 302, headers: [("Location", "/elsewhere")]) }
    try await withTransport { transport in
      let answer = try await transport.send(HTTPRequest(url: server.url), upTo: 0)
      #expect(answer.head.status == 302)
      #expect(server.requests.count == 1)
    }
  }

  @Test func nothingIsDecompressedUnlessAskedFor() async throws {
    // gzip of "hello"
    let packed: [UInt8] = [
      0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 7, 0, 0x86, 0xA6, 0x10, 0x36, 5, 0, 0, 0,
    ]
    let server = try ScriptedHTTPServer { _ in .respond(headers: [("Content-Encoding", "gzip")], body: packed) }
    try await withTransport { transport in
      let plain = try await transport.send(HTTPRequest(url: server.url), upTo: 100)
      #expect(plain.body == packed)
      let asked = try await transport.send(
        HTTPRequest(url: server.url), upTo: 100, options: .with { $0.decompresses = true })
      #expect(asked.body == Array("hello".utf8))
      #expect(server.requests.map { $0.header("accept-encoding") } == [nil, "gzip, deflate"])
    }
  }

  @Test func theAddressOfThePeerIsTold() async throws {
    let (v4, v6) = try (ScriptedHTTPServer { _ in .respond() }, ScriptedHTTPServer(host: "::1") { _ in .respond() })
    try await withTransport { transport in
      for (url, address) in [
        (v4.url, "127.0.0.1:\(v4.port)"), (v6.url, "[::1]:\(v6.port)"), (v4.url, "127.0.0.1:\(v4.port)"),
      ] {
        let response = try await transport.execute(HTTPRequest(url: url), body: .none, options: .init())
        #expect(response.remoteAddress == address)
        _ = try await response.body.collect(upTo: 0)
      }
    }
  }

  @Test func aThousandInTurnUseOneConnection() async throws {
    let server = try ScriptedHTTPServer { .respond(body: $0.target) }
    try await withTransport { transport in
      for index in 0..<1000 {
        let answer = try await transport.send(HTTPRequest(url: server.url + "/\(index)"), upTo: 100)
        #expect(answer.body == Array("/\(index)".utf8))
      }
      #expect(server.requests.count == 1000)
      #expect(server.acceptedConnections == 1)
    }
  }

  @Test func twoHundredAtOnceAllGetTheirOwnAnswer() async throws {
    let gate = ServerGate()
    let server = try ScriptedHTTPServer { ScriptedAnswer.respond(body: $0.target).after(gate) }
    try await withTransport { transport in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<200 {
          let request = try HTTPRequest(url: server.url + "/\(index)")
          group.addTask { try await transport.send(request, upTo: 100).body == Array("/\(index)".utf8) }
        }
        #expect(try await eventually { gate.waiting == 200 })
        gate.open()
        for try await isRight in group { #expect(isRight) }
      }
      #expect(server.acceptedConnections == 200)
    }
  }

  @Test func connectionsAreBoundedWhereAsked() async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    var configuration = CurlTransport.Configuration()
    configuration.maximumConnectionsPerHost = 3
    try await withTransport(configuration) { transport in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<60 {
          let request = try HTTPRequest(url: server.url)
          group.addTask { _ = try await transport.send(request, upTo: 0) }
        }
        try await group.waitForAll()
      }
      #expect(server.requests.count == 60)
      #expect(server.acceptedConnections == 3)
    }
  }
}
