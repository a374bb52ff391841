import HTTPTypes
import MemoryPlugins
import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import SDGateway

@Suite struct WatchTests {
  @Test("Events tell how a task stands, how far it is, and its end")
  func events() async throws {
    let house = try House()
    try await withDoor(house) { door in
      _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]))
      let answer = await door.get("/v1/tasks/t1/events")
      #expect(answer.headers[.contentType] == "text/event-stream")
      guard case .events(let stream) = answer.body, let events = stream as? TaskEvents else {
        throw SDError(.internal, "no events")
      }
      var seen = events.makeAsyncIterator()
      #expect(await seen.next()?.retry == 1000)
      let queued = await seen.next()
      #expect(queued?.name == "state" && queued?.data.contains("\"queued\"") == true)
      let key = RunKey(TaskKey(id: "t1"), run: 1)
      #expect(try await house.system.ledger.isWatched(key))
      try await house.work("t1") { $0.state = .running }
      #expect(try await self.next("state", &seen)?.contains("\"running\"") == true)
      try await house.system.ledger.setProgress(
        TaskProgress(fraction: 0.5, step: 10, steps: 20, preview: [1, 2, 3], previewType: "image/jpeg"), of: key)
      #expect(try await self.next("progress", &seen) == #"{"fraction":0.5,"step":10,"steps":20}"#)
      #expect(try await self.next("preview", &seen) == #"{"content_type":"image/jpeg","base64":"AQID"}"#)
      try await house.succeed("t1", with: [1])
      #expect(try await self.next("end", &seen)?.contains("\"succeeded\"") == true)
      #expect(await seen.next() == nil)
    }
  }

  /// The data of the next event of a name; comments may come before it.
  private func next(_ name: String, _ events: inout TaskEvents.Iterator) async throws -> String? {
    for _ in 0..<50 {
      guard let event = await events.next() else { return nil }
      if event.name == name { return event.data }
    }
    return nil
  }

  @Test("A task that has ended tells its end at once, also to the second who asks")
  func ended() async throws {
    let house = try House()
    try await withDoor(house) { door in
      _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]))
      try await house.succeed("t1", with: [1])
      for _ in 0..<2 {
        guard case .events(let events) = await door.get("/v1/tasks/t1/events").body else { return }
        var names: [String?] = []
        for await event in events { names.append(event.name) }
        #expect(names == [nil, "end"])
      }
    }
  }

  @Test("However many look on, the ledger is read by one")
  func shared() async throws {
    let clock = ManualClock()
    let house = try House(clocks: clock.clocks)
    let ledger = CountingLedger(base: house.system.ledger)
    let watch = TaskWatch(ledger: ledger, clocks: clock.clocks)
    _ = await house.door().post("/v1/tasks", lighthouse.with(["id": "t1"]))
    let key = RunKey(TaskKey(id: "t1"), run: 1)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await watch.run() }
      let streams = try (0..<20).map { _ in try watch.follow(key) }
      for stream in streams {
        var updates = stream.makeAsyncIterator()
        _ = await updates.next()
      }
      try await clock.untilSleepers(1)
      let first = ledger.reads
      #expect(first == 1)
      for _ in 0..<5 {
        clock.advanceToNextDeadline()
        try await clock.untilSleepers(1)
      }
      #expect(ledger.reads == first + 5)
      // 0.25, 0.375, ... and never past two seconds.
      for _ in 0..<10 {
        clock.advanceToNextDeadline()
        try await clock.untilSleepers(1)
      }
      #expect(clock.nextDeadline.map { clock.now.duration(to: $0) } == .seconds(2))
      group.cancelAll()
    }
  }

  @Test("A task that nobody looks at any more is no longer read")
  func left() async throws {
    let house = try House()
    let watch = TaskWatch(ledger: house.system.ledger, clocks: .system)
    _ = await house.door().post("/v1/tasks", lighthouse.with(["id": "t1"]))
    let key = RunKey(TaskKey(id: "t1"), run: 1)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await watch.run() }
      do {
        var updates = try watch.follow(key).makeAsyncIterator()
        _ = await updates.next()
        #expect(watch.watched == 1)
      }
      try await eventually("the watcher to leave") { watch.watched == 0 }
      group.cancelAll()
    }
  }

  @Test("Stopping ends every stream, and no new one begins")
  func stops() async throws {
    let house = try House()
    _ = await house.door().post("/v1/tasks", lighthouse.with(["id": "t1"]))
    let watch = TaskWatch(ledger: house.system.ledger, clocks: .system)
    let key = RunKey(TaskKey(id: "t1"), run: 1)
    let stream = try watch.follow(key)
    watch.stop()
    for await _ in stream {}
    #expect(throws: SDError.self) { try watch.follow(key) }
    await watch.run()
  }

  @Test("Only so many may look on")
  func limit() throws {
    let house = try House()
    let watch = TaskWatch(ledger: house.system.ledger, clocks: .system, limit: 1)
    let key = RunKey(TaskKey(id: "t1"), run: 1)
    let first = try watch.follow(key)
    #expect(throws: SDError.self) { try watch.follow(key) }
    withExtendedLifetime(first) {}
  }

  @Test("A stream that has lasted long enough ends with a word on when to come again")
  func longStream() async throws {
    let house = try House()
    try await withDoor(house, .init(host: "0.0.0.0", longestEventStream: .zero)) { door in
      _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]))
      guard case .events(let events) = await door.get("/v1/tasks/t1/events").body else { return }
      var seen: [ServerSentEvent] = []
      for await event in events { seen.append(event) }
      #expect(seen.map(\.name) == [nil, "state", nil] && seen.last?.retry == 1000)
    }
  }
}

/// A ledger that counts its conditional reads.
private final class CountingLedger: TaskLedger {
  private let base: any TaskLedger
  private let count = Mutex(0)
  var reads: Int { count.withLock { $0 } }

  init(base: any TaskLedger) { self.base = base }
  func create(_ record: TaskRecord, request: [UInt8]) async throws -> LedgerWrite {
    try await base.create(record, request: request)
  }
  func update(_ entry: LedgerEntry) async throws -> LedgerWrite { try await base.update(entry) }
  func read(_ key: RunKey, unlessAt known: Revision?) async throws -> LedgerReading {
    count.withLock { $0 += 1 }
    return try await base.read(key, unlessAt: known)
  }
  func latest(_ task: TaskKey) async throws -> LedgerEntry? { try await base.latest(task) }
  func find(_ task: TaskKey, submission: String) async throws -> LedgerEntry? {
    try await base.find(task, submission: submission)
  }
  func page(_ query: LedgerQuery) async throws -> LedgerPage { try await base.page(query) }
  func watch(_ key: RunKey, for duration: Duration) async throws { try await base.watch(key, for: duration) }
  func isWatched(_ key: RunKey) async throws -> Bool { try await base.isWatched(key) }
  func setProgress(_ progress: TaskProgress, of key: RunKey) async throws {
    try await base.setProgress(progress, of: key)
  }
  func progress(of key: RunKey) async throws -> TaskProgress? { try await base.progress(of: key) }
}
