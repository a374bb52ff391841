import HTTPTypes
import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@testable import SDGateway

@Suite struct ChoresTests {
  @Test("What has expired is ended and announced, whosever it is and though nobody looks")
  func expiry() async throws {
    let clock = ManualClock()
    let keys = ["a", "b"].map { APIKey(name: $0, digests: [SecretDigest(of: $0)], tenant: $0) }
    let house = try House(keys: keys, clocks: clock.clocks)
    let door = house.door()
    for name in ["a", "b"] {
      let body = lighthouse.with(["id": "t1", "expires_in": 60])
      #expect(await door.post("/v1/tasks", body, headers: [.apiKey: name]).status == .created)
    }
    #expect(await door.post("/v1/tasks", lighthouse.with(["id": "t2"]), headers: [.apiKey: "a"]).status == .created)
    let chores = Chores(house.services, logger: house.logger)
    #expect(await chores.expire() == 0)
    clock.advance(by: .seconds(60))
    #expect(await chores.expire() == 2)
    #expect(await chores.expire() == 0)
    let notices = try await house.announced()
    #expect(notices.count == 2 && notices.allSatisfy { $0["state"] == "expired" })
    #expect(try await house.system.ledger.latest(TaskKey(tenant: "a", id: "t2"))?.record.state == .queued)
    #expect(try await house.store.get("a/t1/t1.out").info.contentType == "application/json")
  }

  @Test("The run of a letter that the queue moved is failed and announced, and the letter says why")
  func sweep() async throws {
    let clock = ManualClock()
    let house = try House(clocks: clock.clocks)
    _ = await house.door().post("/v1/tasks", lighthouse.with(["id": "t1"]))
    let letters = try #require(house.queue.deadLetters)
    // What a queue does by itself once a message has been handed out too often.
    let lease = try #require(try await house.received().first)
    try await letters.send(OutgoingMessage(body: lease.body, attributes: lease.attributes))
    _ = try await house.queue.complete([lease])
    let chores = Chores(house.services, logger: house.logger)
    #expect(await chores.sweepLetters() == 1)
    #expect(await chores.sweepLetters() == 0)
    let record = try #require(try await house.system.ledger.latest(TaskKey(id: "t1"))?.record)
    #expect(record.state == .failed && record.error?.code == .attemptsExhausted && record.announced)
    #expect(try await house.announced().map { $0["status"] } == ["failed"])
    let kept = try await letters.receive(max: 10, wait: .zero, visibility: nil)
    #expect(kept.count == 1 && kept.first?.body == lease.body)
    #expect(kept.first.flatMap { DeadLetterReason($0.attributes) }?.code == "attempts_exhausted")
  }

  @Test("A letter of a task that nobody ever began gets a record; one that makes no sense is said to be poison")
  func strange() async throws {
    let house = try House()
    let letters = try #require(house.queue.deadLetters)
    let straight: JSONValue = [
      "metadata": ["id": "straight", "runtime": "sdruntime", "tasktype": "text-to-image"], "content": [:],
    ]
    try await letters.send(OutgoingMessage(body: straight.serialized()))
    try await letters.send(OutgoingMessage(body: Array("{".utf8)))
    #expect(await Chores(house.services, logger: house.logger).sweepLetters() == 2)
    #expect(try await house.system.ledger.latest(TaskKey(id: "straight"))?.record.state == .failed)
    let reasons = try await letters.receive(max: 10, wait: .zero, visibility: nil)
      .compactMap { DeadLetterReason($0.attributes)?.code }
    #expect(Set(reasons) == ["attempts_exhausted", "poison"])
  }

  @Test("The end of a run that has ended already stays what it was")
  func ended() async throws {
    let house = try House()
    _ = await house.door().post("/v1/tasks", lighthouse.with(["id": "t1"]))
    try await house.succeed("t1", with: [1])
    let letters = try #require(house.queue.deadLetters)
    let lease = try #require(try await house.received().first)
    try await letters.send(OutgoingMessage(body: lease.body, attributes: lease.attributes))
    #expect(await Chores(house.services, logger: house.logger).sweepLetters() == 1)
    #expect(try await house.system.ledger.latest(TaskKey(id: "t1"))?.record.state == .succeeded)
  }

  @Test("Many letters with reasons are passed over and stay receivable")
  func many() async throws {
    let house = try House()
    let letters = try #require(house.queue.deadLetters)
    let reason = DeadLetterReason(code: "poison", message: "x").attributes
    for _ in 0..<25 { try await letters.send(OutgoingMessage(body: [1], attributes: reason)) }
    #expect(await Chores(house.services, logger: house.logger).sweepLetters() == 0)
    #expect(try await letters.stats().waiting == 25)
  }
}
