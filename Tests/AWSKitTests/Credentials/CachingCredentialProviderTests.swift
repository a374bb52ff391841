import FoundationEssentials
import Synchronization
import Testing

@testable import AWSKit

/// A source whose answers the test gives.
private final class Source: CredentialProvider {
  struct State {
    var asked = 0
    var failing = false
    var expiration: Date?
    var held: [CheckedContinuation<Void, Never>] = []
    var isHolding = false
  }

  let state = Mutex(State())
  var asked: Int { state.withLock { $0.asked } }

  func credentials() async throws(AWSError) -> Credentials {
    await withCheckedContinuation { continuation in
      let goesOn = state.withLock { state in
        state.asked += 1
        if state.isHolding { state.held.append(continuation) }
        return !state.isHolding
      }
      if goesOn { continuation.resume() }
    }
    let (failing, number, expiration) = state.withLock { ($0.failing, $0.asked, $0.expiration) }
    if failing { throw AWSError(.credentialsFailed, "an outage") }
    return Credentials(accessKeyID: "A\(number)", secretAccessKey: "s", expiration: expiration)
  }

  func hold() { state.withLock { $0.isHolding = true } }

  func release() {
    let held = state.withLock { state in
      defer { state.held = [] }
      state.isHolding = false
      return state.held
    }
    for continuation in held { continuation.resume() }
  }

  func fail(_ failing: Bool) { state.withLock { $0.failing = failing } }
  func expire(_ date: Date?) { state.withLock { $0.expiration = date } }
}

struct CachingCredentialProviderTests {
  private let time = ManualTime()
  private let source = Source()
  private let cache: CachingCredentialProvider

  init() { cache = CachingCredentialProvider(source, time: time.source) }

  func key() async throws -> String { try await cache.credentials().accessKeyID }

  func wait(_ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(20)
    while try await !condition() {
      try #require(ContinuousClock.now < end)
      await Task.yield()
    }
  }

  @Test func credentialsWithoutAnEndAreAskedForOnce() async throws {
    #expect(try await key() == "A1")
    time.advance(.seconds(1_000_000))
    #expect(try await key() == "A1")
  }

  @Test func manyCallsWaitForOneQuestion() async throws {
    source.hold()
    let keys = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<100 { group.addTask { try await key() } }
      try await wait { source.asked == 1 }
      source.release()
      return try await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(keys == ["A1"] && source.asked == 1)
  }

  @Test func theyAreRenewedInTheBackgroundBeforeTheyExpire() async throws {
    source.expire(time.now.addingTimeInterval(3600))
    #expect(try await key() == "A1")
    time.advance(.seconds(2600))
    #expect(try await key() == "A1")
    #expect(source.asked == 1)
    time.advance(.seconds(200))
    source.hold()
    source.expire(time.now.addingTimeInterval(3600))
    // Nobody waits for the new ones as long as the old ones have time left.
    #expect(try await key() == "A1")
    try await wait { source.asked == 2 }
    #expect(try await key() == "A1")
    source.release()
    try await wait { try await key() == "A2" }
    #expect(source.asked == 2)
  }

  @Test func fault21AnOutageIsSurvivedAsLongAsTheyAreValidAndNoFailureIsKept() async throws {
    source.expire(time.now.addingTimeInterval(3600))
    #expect(try await key() == "A1")
    source.fail(true)
    var last = 1
    for _ in 0..<59 {
      time.advance(.seconds(60))
      #expect(try await key() == "A1")
      try await wait { cache.isIdle }
      last = source.asked
    }
    // In the last quarter of an hour it was tried again and again, with pauses.
    #expect(last > 5 && last < 20)
    time.advance(.seconds(59))
    #expect(try await key() == "A1")
    time.advance(.seconds(2))
    await #expect(throws: AWSError.self) { try await key() }
    await #expect(throws: AWSError.self) { try await key() }
    source.fail(false)
    source.expire(time.now.addingTimeInterval(3600))
    #expect(try await key() == "A\(source.asked)")
  }

  @Test func aFirstFailureIsNotKept() async throws {
    source.fail(true)
    await #expect(throws: AWSError.self) { try await key() }
    source.fail(false)
    #expect(try await key() == "A2")
  }

  @Test func discardedCredentialsAreAskedForAnewUnlessNewerOnesAreThere() async throws {
    let first = try await cache.credentials()
    cache.discard(first)
    #expect(try await key() == "A2")
    cache.discard(first)
    #expect(try await key() == "A2")
  }

  @Test func aCancelledCallerLeavesTheQuestionToTheOthers() async throws {
    source.hold()
    let first = Task { try await cache.credentials() }
    try await wait { source.asked == 1 }
    let second = Task { try await cache.credentials() }
    first.cancel()
    let cancelled = await first.result
    if case .failure(let error as AWSError) = cancelled {
      #expect(error.code == .cancelled)
    } else {
      Issue.record("not cancelled")
    }
    source.release()
    #expect(try await second.value.accessKeyID == "A1")
    #expect(source.asked == 1)
  }
}
