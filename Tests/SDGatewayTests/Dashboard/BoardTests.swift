import HTTPTypes
import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@testable import SDGateway

@Suite struct BoardTests {
  private func stream(_ door: FrontDoor, _ query: String = "", headers: HTTPFields = [:]) async throws -> BoardEvents {
    let answer = await door.get("/v1/events\(query)", headers: headers)
    guard case .events(let events) = answer.body, let board = events as? BoardEvents else {
      throw SDError(.internal, "no events: \(answer.status)")
    }
    #expect(answer.headers[.contentType] == "text/event-stream")
    return board
  }

  /// The next event that has a name.
  private func next(_ events: inout BoardEvents.Iterator) async throws -> (event: ServerSentEvent, json: JSONValue) {
    for _ in 0..<100 {
      guard let event = await events.next() else { break }
      if event.name != nil { return (event, try JSONValue(parsing: event.data)) }
    }
    throw SDError(.timeout, "no event")
  }

  @Test("The stream tells everything at first, then what stands differently")
  func changes() async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]))
    var events = try await stream(door).makeAsyncIterator()
    #expect(await events.next()?.retry == 1000)
    let first = try await next(&events)
    #expect(first.event.name == "overview" && first.event.id != nil)
    #expect(first.json["tasks"]?.array?.map { $0["title"] } == ["a lighthouse"])
    #expect(first.json["runtimes"]?.array?.first?["queue"]?["waiting"] == 1)
    #expect(first.json["workers"] == [])
    try await house.work("t1") { record in
      record.state = .running
      record.claim = Claim(token: "x", epoch: 1, worker: "w1", messageID: "m", at: record.createdAt)
    }
    let second = try await next(&events)
    #expect(second.event.name == "change" && second.json["runtimes"] == nil)
    #expect(second.json["tasks"]?.array?.map { $0["state"] } == ["running"])
    #expect(second.json["workers"]?.array?.map { $0["task"] } == ["t1"])
    // Whoever looks is shown progress, so the worker is told that somebody does.
    let key = RunKey(TaskKey(id: "t1"), run: 1)
    #expect(try await house.system.ledger.isWatched(key))
    try await house.system.ledger.setProgress(TaskProgress(fraction: 0.5), of: key)
    let third = try await next(&events)
    #expect(third.json["tasks"]?.array?.first?["progress"] == ["fraction": .double(0.5)])
  }

  @Test("Who comes again with the last event's id is told only what came after it")
  func again() async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]))
    var events = try await stream(door).makeAsyncIterator()
    let id = try #require(try await next(&events).event.id)
    var later = try await stream(door, headers: [.lastEventID: id]).makeAsyncIterator()
    #expect(await later.next()?.retry == 1000)
    try await house.succeed("t1", with: [1])
    let news = try await next(&later)
    #expect(news.event.name == "change" && news.event.id != id)
    #expect(news.json["tasks"]?.array?.map { $0["state"] } == ["succeeded"])
  }

  @Test("A stream ends when its time has passed, and says when to come again")
  func ends() async throws {
    let clock = ManualClock()
    let door = (try House(clocks: clock.clocks)).door()
    var events = try await stream(door, "?seconds=1").makeAsyncIterator()
    _ = try await next(&events)
    clock.advance(by: .seconds(2))
    async let last = [events.next(), events.next()]
    try await clock.untilSleepers(1)
    clock.advance(by: .seconds(1))
    #expect(await last.map { $0?.retry } == [1000, nil])
    #expect(await door.get("/v1/events?seconds=0").status == .badRequest)
  }

  @Test("No more look on than may, and who leaves makes room")
  func seats() async throws {
    let house = try House()
    let door = house.door(.init(host: "0.0.0.0", maximumWatchers: 1))
    do {
      let held = try await stream(door)
      #expect(await door.get("/v1/events").status == .serviceUnavailable)
      _ = held
    }
    #expect(await door.get("/v1/events").status == .ok)
  }

  @Test("A tenant's stream tells of its own tasks alone")
  func tenants() async throws {
    let keys = ["a", "b"].map { APIKey(name: $0, digests: [SecretDigest(of: $0)], tenant: $0) }
    let door = (try House(keys: keys)).door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]), headers: [.apiKey: "a"])
    for (key, count) in [("a", 1), ("b", 0)] {
      var events = try await stream(door, headers: [.apiKey: key]).makeAsyncIterator()
      #expect(try await next(&events).json["tasks"]?.array?.count == count)
      let workers = try await door.get("/v1/workers", headers: [.apiKey: key]).json
      #expect(workers == ["workers": []])
    }
  }

  @Test("Workers are told from the records: those that work first, each once")
  func workers() async throws {
    let house = try House()
    let door = house.door()
    for id in ["t1", "t2", "t3"] { _ = await door.post("/v1/tasks", lighthouse.with(["id": .string(id)])) }
    for (id, worker, state) in [("t1", "w1", TaskState.succeeded), ("t2", "w2", .running), ("t3", "w1", .succeeded)] {
      try await house.work(id) { record in
        record.state = state
        record.claim = Claim(token: "x", epoch: 1, worker: worker, messageID: "m", at: record.createdAt)
      }
    }
    let workers = try await door.get("/v1/workers").json["workers"]?.array ?? []
    #expect(workers.map { $0["name"] } == ["w2", "w1"])
    #expect(workers.map { $0["task"] } == ["t2", nil])
    #expect(workers.map { $0["ended"] } == [0, 2])
  }
}
