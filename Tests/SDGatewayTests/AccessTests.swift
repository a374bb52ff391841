import HTTPTypes
import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@testable import SDGateway

@Suite struct AccessTests {
  private static let studio = APIKey(name: "studio", digests: [SecretDigest(of: "s-1")], tenant: "studio")
  private static let agency = APIKey(name: "agency", digests: [SecretDigest(of: "a-1")], tenant: "agency")
  private static let own = APIKey(name: "own", digests: [SecretDigest(of: "o-1"), SecretDigest(of: "o-2")])

  private static func bearing(_ secret: String) -> HTTPFields { [.apiKey: secret] }

  @Test(
    "Without a good key nothing is told, and the older doors say what API Gateway says", arguments: [nil, "", "s-2"])
  func refuses(secret: String?) async throws {
    let house = try House(keys: [Self.studio])
    let door = house.door()
    var headers: HTTPFields = [:]
    headers[.apiKey] = secret
    for answer in [
      await door.post("/v1/tasks", lighthouse, headers: headers), await door.get("/v1/tasks", headers: headers),
      await door.get("/v1/tasks/x/outputs/1", headers: headers), await door.get("/metrics", headers: headers),
    ] {
      #expect(answer.status == .unauthorized && answer.headers[.wwwAuthenticate] == "Bearer")
      #expect(answer.headers[.contentType] == "application/problem+json")
    }
    for (path, body) in [("/", LegacyDoorTests.reference), ("/v1alpha2", LegacyDoorTests.task)] {
      let answer = await door.post(path, body, headers: headers)
      #expect(answer.status == .forbidden)
      #expect(try await answer.json == ["message": "Forbidden"])
    }
    #expect(try await house.received().isEmpty)
  }

  @Test("Probes and the documentation are for everybody", arguments: ["/healthz", "/readyz", "/openapi.json", "/docs"])
  func open(path: String) async throws {
    #expect(await (try House(keys: [Self.studio])).door().get(path).status == .ok)
  }

  @Test("A key may come in either header, and several secrets may be good for one")
  func accepts() async throws {
    let door = (try House(keys: [Self.own])).door()
    let bearer: HTTPFields = [.authorization: "bearer o-2"]
    let ways = [Self.bearing("o-1"), Self.bearing("o-2"), bearer]
    for headers in ways { #expect(await door.get("/v1/runtimes", headers: headers).status == .ok) }
  }

  @Test("A key is good until its time")
  func expires() async throws {
    let clock = ManualClock()
    var key = Self.studio
    key.expiresAt = clock.timestamp + .seconds(60)
    let door = (try House(keys: [key], clocks: clock.clocks)).door()
    #expect(await door.get("/v1/runtimes", headers: Self.bearing("s-1")).status == .ok)
    clock.advance(by: .seconds(60))
    #expect(await door.get("/v1/runtimes", headers: Self.bearing("s-1")).status == .unauthorized)
  }

  @Test("Tenants see their own tasks alone, though the ids are the same, and their objects lie apart")
  func tenants() async throws {
    let house = try House(keys: [Self.studio, Self.agency, Self.own])
    let door = house.door()
    for secret in ["s-1", "a-1", "o-1"] {
      let body = lighthouse.with(["id": "t1", "prefix": "p", "content": ["prompt": .string(secret)]])
      #expect(await door.post("/v1/tasks", body, headers: Self.bearing(secret)).status == .created)
    }
    #expect(await door.delete("/v1/tasks/t1", headers: Self.bearing("a-1")).status == .ok)
    for (secret, state) in [("s-1", "queued"), ("a-1", "cancelled"), ("o-1", "queued")] {
      let page = try await door.get("/v1/tasks", headers: Self.bearing(secret)).json
      #expect(page["tasks"]?.array?.map { $0["state"] } == [.string(state)])
    }
    let sent = try await house.received()
    let folders = try sent.map { try TaskMessage.decode($0.body).folder }
    #expect(Set(folders) == ["studio/p/t1", "agency/p/t1", "p/t1"])
    #expect(Set(sent.compactMap(\.groupID)) == ["studio", "agency", "own"])
    #expect(Set(sent.compactMap { SubmissionTicket($0.attributes)?.tenant }) == ["studio", "agency", ""])
  }

  @Test("Both older doors put a tenant's objects below its prefix and say so")
  func legacyPrefixes() async throws {
    let house = try House(keys: [Self.studio])
    let door = house.door()
    let reference = try await door.post("/", LegacyDoorTests.reference, headers: Self.bearing("s-1")).json
    #expect(reference["output_location"] == "s3://bucket/studio/307")
    let successor = try await door.post("/v1alpha2", LegacyDoorTests.task, headers: Self.bearing("s-1")).json
    #expect(successor["output_location"] == "s3://bucket/studio/output/test-t2i")
    let folders = try await house.received().map { try TaskMessage.decode($0.body).folder }
    #expect(Set(folders) == ["studio/307", "studio/output/test-t2i"])
  }

  @Test("A task of nobody in particular may not lie among a tenant's objects")
  func reserved() async throws {
    let door = (try House(keys: [Self.studio, Self.own])).door()
    for change in [["prefix": "studio"], ["prefix": "studio/a"], ["id": "studio"]] as [[String: JSONValue?]] {
      let answer = await door.post("/v1/tasks", lighthouse.with(change), headers: Self.bearing("o-1"))
      #expect(answer.status == .unprocessableContent)
    }
    let beside = lighthouse.with(["prefix": "studio2"])
    #expect(await door.post("/v1/tasks", beside, headers: Self.bearing("o-1")).status == .created)
  }

  @Test("Keys that would be in each other's way are refused")
  func rings() {
    let same = APIKey(name: "studio", digests: [SecretDigest(of: "x")])
    let double = APIKey(name: "x", digests: Self.studio.digests)
    let within = APIKey(name: "x", digests: [SecretDigest(of: "x")], tenant: "x", prefix: "studio/x")
    let nameless = APIKey(name: "x", digests: [SecretDigest(of: "x")], tenant: "x", prefix: "")
    let hidden = APIKey(name: "x", digests: [SecretDigest(of: "x")], tenant: "x", prefix: ".sd")
    let none = APIKey(name: "x", digests: [])
    for key in [same, double, within, nameless, hidden, none] {
      #expect(throws: SDError.self) { try APIKeyRing([Self.studio, key]) }
    }
    let second = APIKey(name: "second", digests: [SecretDigest(of: "x")], tenant: "studio", prefix: "studio")
    #expect(throws: Never.self) { try APIKeyRing([Self.studio, second, Self.own]) }
  }

  @Test("A key has its rate, and is told when to come again")
  func rates() async throws {
    let clock = ManualClock()
    let key = APIKey(name: "k", digests: [SecretDigest(of: "k")], rate: 2, burst: 3)
    let door = (try House(keys: [key, Self.own], clocks: clock.clocks)).door()
    for _ in 0..<3 { #expect(await door.get("/v1/runtimes", headers: Self.bearing("k")).status == .ok) }
    let refused = await door.get("/v1/runtimes", headers: Self.bearing("k"))
    #expect(refused.status == .tooManyRequests && refused.headers[.retryAfter] == "1")
    let legacy = await door.post("/", LegacyDoorTests.reference, headers: Self.bearing("k"))
    #expect(legacy.status == .tooManyRequests && legacy.headers[.retryAfter] == "1")
    #expect(try await legacy.json == ["message": "Too Many Requests"])
    #expect(await door.get("/v1/runtimes", headers: Self.bearing("o-1")).status == .ok)
    clock.advance(by: .milliseconds(500))
    #expect(await door.get("/v1/runtimes", headers: Self.bearing("k")).status == .ok)
    #expect(await door.get("/v1/runtimes", headers: Self.bearing("k")).status == .tooManyRequests)
  }

  @Test("Each task of a batch counts")
  func batches() async throws {
    let clock = ManualClock()
    let key = APIKey(name: "k", digests: [SecretDigest(of: "k")], rate: 1, burst: 10)
    let door = (try House(keys: [key], clocks: clock.clocks)).door()
    let batch: JSONValue = ["tasks": .array((0..<8).map { _ in lighthouse })]
    #expect(await door.post("/v1/tasks:batch", batch, headers: Self.bearing("k")).status == .ok)
    let second = await door.post("/v1/tasks:batch", batch, headers: Self.bearing("k"))
    #expect(second.status == .tooManyRequests && second.headers[.retryAfter] == "6")
  }

  @Test("Who guesses is slowed down, and those who come by the same address with a known key are not")
  func guesses() async throws {
    let clock = ManualClock()
    let door = (try House(keys: [Self.studio, Self.own], clocks: clock.clocks)).door()
    func status(_ secret: String, from client: String) async -> Int {
      var request = GatewayRequest(.get, "/v1/runtimes", headers: Self.bearing(secret))
      request.client = client
      return await door.respond(to: request).status.code
    }
    #expect(await status("s-1", from: "a") == 200)
    var seen: [Int] = []
    for n in 0..<12 { seen.append(await status("wrong-\(n)", from: "a")) }
    #expect(seen == [Int](repeating: 401, count: 10) + [429, 429])
    #expect(await status("s-1", from: "a") == 200)
    // Even the right guess is not let in, lest guessing go on at full speed.
    #expect(await status("o-1", from: "a") == 429)
    #expect(await status("o-1", from: "b") == 200)
    clock.advance(by: .seconds(10))
    #expect(await status("o-1", from: "a") == 200)
  }

  @Test("Past the limit of its queue a task is refused until there is room")
  func queueLimit() async throws {
    let clock = ManualClock()
    let house = try House(clocks: clock.clocks)
    let door = house.door(.init(host: "0.0.0.0", queueLimit: 2))
    for _ in 0..<2 { #expect(await door.post("/v1/tasks", lighthouse).status == .created) }
    let refused = await door.post("/v1/tasks", lighthouse)
    #expect(refused.status == .tooManyRequests && refused.headers[.retryAfter] != nil)
    #expect(await door.post("/", LegacyDoorTests.reference).status == .tooManyRequests)
    #expect(try await house.system.ledger.page(.init()).records.count == 2)
    _ = try await house.queue.complete(house.received())
    clock.advance(by: .seconds(2))
    #expect(await door.post("/v1/tasks", lighthouse).status == .created)
  }

  @Test("A key's own limit goes before the deployment's")
  func ownQueueLimit() async throws {
    let key = APIKey(name: "k", digests: [SecretDigest(of: "k")], queueLimit: 1)
    let door = (try House(keys: [key, Self.own])).door(.init(host: "0.0.0.0", queueLimit: 100))
    #expect(await door.post("/v1/tasks", lighthouse, headers: Self.bearing("k")).status == .created)
    #expect(await door.post("/v1/tasks", lighthouse, headers: Self.bearing("k")).status == .tooManyRequests)
    #expect(await door.post("/v1/tasks", lighthouse, headers: Self.bearing("o-1")).status == .created)
  }

  @Test("Two tenants share a queue fairly, however many one of them has waiting")
  func fairShare() async throws {
    let house = try House(keys: [Self.studio, Self.agency])
    let door = house.door()
    for _ in 0..<8 { _ = await door.post("/v1/tasks", lighthouse, headers: Self.bearing("s-1")) }
    _ = await door.post("/v1/tasks", lighthouse, headers: Self.bearing("a-1"))
    let first = try await house.queue.receive(max: 2, wait: .zero, visibility: nil).map(\.groupID)
    #expect(Set(first) == ["studio", "agency"])
  }
}
