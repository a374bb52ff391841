import HTTPTransport
import HTTPTypes
import Logging
import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@testable import SDGateway

@Suite struct WebhookTests {
  private static let secret = WebhookSecret(bytes: [UInt8](repeating: 7, count: 32))!

  private func house(_ clock: ManualClock = ManualClock(), keys: [APIKey]? = nil) throws -> House {
    try House(keys: keys, secret: Self.secret, clocks: clock.clocks)
  }

  private func delivery(_ house: House, inside: Bool = true) throws -> WebhookDelivery {
    var services = try #require(house.services.webhooks)
    services.mayStayInside = inside
    return WebhookDelivery(
      services: services, transport: CurlTransport.shared, ledger: house.system.ledger,
      view: { house.door().view($0) }, clocks: house.services.clocks, logger: house.logger)
  }

  /// Ends a task with a webhook, and answers the message that its notice makes.
  private func notice(_ house: House, to url: String, tenant: APIKey? = nil) async throws -> Lease {
    var headers: HTTPFields = [:]
    if tenant != nil { headers[.apiKey] = "k" }
    let door = house.door()
    let body = lighthouse.with(["id": "t1", "webhook": .string(url)])
    #expect(await door.post("/v1/tasks", body, headers: headers).status == .created)
    #expect(await door.delete("/v1/tasks/t1", headers: headers).status == .ok)
    let leases = try await house.services.webhooks?.queue.receive(max: 10, wait: .zero, visibility: nil)
    #expect(leases?.count == 1)
    return try #require(leases?.first)
  }

  @Test("The end of a task is posted, signed so that its receiver can tell it from a forgery")
  func delivers() async throws {
    let clock = ManualClock()
    let key = APIKey(name: "k", digests: [SecretDigest(of: "k")], tenant: "studio")
    let house = try house(clock, keys: [key])
    let server = try ScriptedHTTPServer { _ in .respond(status: 204) }
    defer { server.stop() }
    let lease = try await notice(house, to: server.url + "/hook?a=b", tenant: key)
    #expect(try await delivery(house).deliver(lease) == .done)
    let request = try #require(server.requests.first)
    #expect(request.method == "POST" && request.target == "/hook?a=b")
    let task = try TaskView(json: try JSONValue(parsing: request.body))
    #expect(task.id == "t1" && task.state == .cancelled)
    let id = try #require(request.header("webhook-id"))
    let timestamp = try #require(request.header("webhook-timestamp"))
    let signature = try #require(request.header("webhook-signature"))
    #expect(id == "t1/1/cancelled" && signature.hasPrefix("v1,"))
    // The receiver has its secret from the API.
    let told = try await house.door().get("/v1/webhooks/secret", headers: [.apiKey: "k"]).json["secret"]?.string
    let secret = try #require(told.flatMap { WebhookSecret($0) })
    let now = clock.timestamp
    #expect(secret.verifies(request.body, id: id, timestamp: timestamp, signature: "v1,x \(signature)", at: now))
    #expect(!secret.verifies(request.body + [0x20], id: id, timestamp: timestamp, signature: signature, at: now))
    #expect(!secret.verifies(request.body, id: "other", timestamp: timestamp, signature: signature, at: now))
    #expect(!Self.secret.verifies(request.body, id: id, timestamp: timestamp, signature: signature, at: now))
    let later = now + .seconds(301)
    #expect(!secret.verifies(request.body, id: id, timestamp: timestamp, signature: signature, at: later))
  }

  /// From the specification's own example.
  @Test("Signatures are those of Standard Webhooks")
  func vector() throws {
    let secret = try #require(WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    let body = Array(#"{"test": 2432232314}"#.utf8)
    #expect(
      secret.signature(of: body, id: "msg_p5jXN8AQM9LWM0D4loKWxJek", seconds: 1_614_265_330)
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
  }

  @Test("What fails is tried five times, later each time, and then kept as a letter")
  func retries() async throws {
    let clock = ManualClock()
    let house = try house(clock)
    let server = try ScriptedHTTPServer { _ in .respond(status: 500) }
    defer { server.stop() }
    var lease = try await notice(house, to: server.url)
    let service = WebhookService(delivery: try delivery(house), logger: house.logger)
    let queue = try #require(house.services.webhooks?.queue)
    var pauses: [Double] = []
    for _ in 0..<4 {
      await service.settle(lease)
      let before = clock.now
      while try await queue.stats().waiting == 0 { clock.advance(by: .seconds(1)) }
      pauses.append(before.duration(to: clock.now).seconds)
      lease = try #require(try await queue.receive(max: 1, wait: .zero, visibility: nil).first)
    }
    #expect(zip(pauses, [5.0, 30, 150, 600]).allSatisfy { ($1 * 0.8 - 1...$1 * 1.2 + 1).contains($0) }, "\(pauses)")
    await service.settle(lease)
    #expect(server.requests.count == 5)
    #expect(Set(server.requests.compactMap { $0.header("webhook-id") }) == ["t1/1/cancelled"])
    let stats = try await queue.stats()
    #expect(stats.waiting + stats.inFlight + stats.delayed == 0 && stats.dead == 1)
  }

  @Test("A receiver that wants no more gets no more; one that asks for time gets it")
  func answers() async throws {
    let house = try house()
    let server = try ScriptedHTTPServer { request in
      request.target == "/gone" ? .respond(status: 410) : .respond(status: 429, headers: [("Retry-After", "77")])
    }
    defer { server.stop() }
    let lease = try await notice(house, to: server.url + "/busy")
    guard case .later(let pause) = try await delivery(house).deliver(lease) else {
      Issue.record("not tried again")
      return
    }
    #expect(pause >= .seconds(77))
    let other = try self.house()
    let gone = try await notice(other, to: server.url + "/gone")
    guard case .hopeless = try await delivery(other).deliver(gone) else {
      Issue.record("tried again")
      return
    }
  }

  @Test(
    "A webhook does not lead inside, however its address is written",
    arguments: [
      "http://127.0.0.1:PORT/", "http://localhost:PORT/", "http://[::ffff:127.0.0.1]:PORT/", "http://2130706433:PORT/",
    ])
  func inside(url: String) async throws {
    let house = try house()
    let server = try ScriptedHTTPServer { _ in .respond(status: 204) }
    defer { server.stop() }
    let lease = try await notice(house, to: url.replacing("PORT", with: "\(server.port)"))
    guard case .hopeless(let reason) = try await delivery(house, inside: false).deliver(lease) else {
      Issue.record("it was called")
      return
    }
    #expect(reason.code == "webhook_failed" && server.requests.isEmpty)
  }

  @Test("A redirect is not followed")
  func redirect() async throws {
    let house = try house()
    let server = try ScriptedHTTPServer { _ in .respond(status: 302, headers: [("Location", "http://169.254.169.254/")])
    }
    defer { server.stop() }
    let lease = try await notice(house, to: server.url)
    guard case .later = try await delivery(house).deliver(lease) else {
      Issue.record("it was taken for a success")
      return
    }
    #expect(server.requests.count == 1)
  }

  @Test("Notices that nobody is to be called for are done with, and what is no notice is kept")
  func others() async throws {
    let house = try house()
    let delivery = try delivery(house)
    let absent = Lease(
      receipt: "r", messageID: "m", body: [], attributes: ["notice_id": "t9/1/succeeded"], receiveCount: 1, sentAt: nil,
      deadline: ManualClock().now)
    #expect(await delivery.deliver(absent) == .done)
    var poison = absent
    for id in [nil, "", "a/b", "t1/0/succeeded", "t1/1/gone", "t1/x/failed"] {
      poison.attributes["notice_id"] = id.map(AttributeValue.string)
      guard case .hopeless(let reason) = await delivery.deliver(poison) else {
        Issue.record("\(id ?? "nothing") was taken")
        continue
      }
      #expect(reason.code == "poison")
    }
  }

  @Test("A webhook is refused where none are delivered, and where its URL cannot be called")
  func refused() async throws {
    let none = await (try House()).door().post("/v1/tasks", lighthouse.with(["webhook": "https://example.com/"]))
    #expect(none.status == .unprocessableContent)
    let door = (try house()).door()
    let webhooks: [JSONValue] = [
      "ftp://example.com/", "https://", "https://a b/", ["url": "https://example.com/", "x": 1], 7,
      ["when_running": true],
    ]
    for webhook in webhooks {
      let answer = await door.post("/v1/tasks", lighthouse.with(["webhook": webhook]))
      #expect(answer.status == .unprocessableContent, "\(webhook.text)")
      #expect(try await answer.json["errors"]?.array?.first?["pointer"]?.string?.hasPrefix("/webhook") == true)
    }
  }
}
