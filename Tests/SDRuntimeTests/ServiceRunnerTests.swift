import Logging
import SDTestKit
import ServiceLifecycle
import Synchronization
import Testing
import UnixSignals

@testable import SDRuntime

@Suite(.timeLimit(.minutes(5))) struct ServiceRunnerTests {
  /// A service that works until it is told to end, and notes what it was told.
  private final class Probe: Service {
    let told = Mutex<[String]>([])
    let begun = AsyncStream<Void>.makeStream()
    /// Whether it ends when asked to, or goes on until it is cancelled.
    let obeys: Bool

    init(obeys: Bool) { self.obeys = obeys }

    func run() async throws {
      begun.continuation.yield()
      let (end, continuation) = AsyncStream<Void>.makeStream()
      await withGracefulShutdownHandler {
        for await _ in end {}
      } onGracefulShutdown: {
        self.told.withLock { $0.append("graceful") }
        if self.obeys { continuation.finish() }
        self.begun.continuation.yield()
      }
      if Task.isCancelled { told.withLock { $0.append("cancelled") } }
      try Task.checkCancellation()
    }
  }

  private struct Failing: Service {
    struct Broken: Error {}
    func run() async throws { throw Broken() }
  }

  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test func theFirstSignalLetsServicesFinish() async throws {
    let (signals, send) = AsyncStream<UnixSignal>.makeStream()
    let (one, two) = (Probe(obeys: true), Probe(obeys: true))
    async let end: Void = ServiceRunner([one, two], logger: logger).run(until: signals)
    for await _ in one.begun.stream { break }
    send.yield(.sigterm)
    try await end
    #expect(one.told.withLock { $0 } == ["graceful"])
    #expect(two.told.withLock { $0 } == ["graceful"])
  }

  @Test(arguments: [UnixSignal.sigterm, .sigint]) func theSecondSignalEndsThemAtOnce(second: UnixSignal) async throws {
    let (signals, send) = AsyncStream<UnixSignal>.makeStream()
    let probe = Probe(obeys: false)
    async let end: Void = ServiceRunner([probe], logger: logger).run(until: signals)
    var steps = probe.begun.stream.makeAsyncIterator()
    _ = await steps.next()
    send.yield(.sigterm)
    _ = await steps.next()
    send.yield(second)
    try await end
    #expect(probe.told.withLock { $0 } == ["graceful", "cancelled"])
  }

  @Test func aSignalBeforeTheServicesBeginCounts() async throws {
    let (signals, send) = AsyncStream<UnixSignal>.makeStream()
    send.yield(.sigterm)
    let probe = Probe(obeys: true)
    try await ServiceRunner([probe], logger: logger).run(until: signals)
    #expect(probe.told.withLock { $0 } == ["graceful"])
  }

  @Test func aServiceThatFailsEndsTheOthersAndIsTold() async throws {
    let (signals, send) = AsyncStream<UnixSignal>.makeStream()
    defer { send.finish() }
    let probe = Probe(obeys: true)
    await #expect(throws: Failing.Broken.self) {
      try await ServiceRunner([probe, Failing()], logger: logger).run(until: signals)
    }
    #expect(probe.told.withLock { $0 } == ["graceful"])
  }

  @Test func aServiceThatIsDoneEndsTheOthers() async throws {
    struct Done: Service { func run() async throws {} }
    let (signals, _) = AsyncStream<UnixSignal>.makeStream()
    let probe = Probe(obeys: true)
    try await ServiceRunner([probe, Done()], logger: logger).run(until: signals)
    #expect(probe.told.withLock { $0 } == ["graceful"])
  }

  @Test func servicesBesideEachOtherAreToldTogether() async throws {
    let (signals, send) = AsyncStream<UnixSignal>.makeStream()
    let (stubborn, willing) = (Probe(obeys: false), Probe(obeys: true))
    async let end: Void = ServiceRunner([ConcurrentServices([willing, stubborn])], logger: logger).run(until: signals)
    for probe in [stubborn, willing] { for await _ in probe.begun.stream { break } }
    send.yield(.sigterm)
    for probe in [stubborn, willing] { for await _ in probe.begun.stream { break } }
    #expect(willing.told.withLock { $0 } == ["graceful"])
    send.yield(.sigterm)
    try await end
    #expect(stubborn.told.withLock { $0 } == ["graceful", "cancelled"])
  }
}
