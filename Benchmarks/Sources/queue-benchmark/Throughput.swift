import BenchmarkKit
import LocalPlugins
import SDCore
import Synchronization

/// Messages a second through send, receive and complete in batches of 10, from 4 producers and 4 consumers.
enum Throughput {
  private static let batch = 10
  private static let body = [UInt8](repeating: UInt8(ascii: "x"), count: 1000)
  /// Producers wait while so many are unreceived, so that both sides work all the time.
  private static let backlog = 2000

  static func measure(_ durability: String, seconds: Double, in directory: String) async throws -> (
    rate: Double, processor: Double
  ) {
    guard let durability = LocalDatabase.Durability(rawValue: durability) else { return (0, 0) }
    let database = try LocalDatabase.open(directory, durability: durability)
    let queue = LocalQueue("bench", in: database)
    let (sent, completed, stops) = (Shared(0), Shared(0), Shared(0))
    let start = ContinuousClock.now
    let before = ProcessorTime.used
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          while stops.value == 0 {
            if sent.value - completed.value >= backlog {
              try await Task.sleep(for: .milliseconds(1))
              continue
            }
            let outcomes = try await queue.send((0..<batch).map { _ in OutgoingMessage(body: body) })
            sent.add(outcomes.count)
          }
        }
        group.addTask {
          while stops.value == 0 {
            let leases = try await queue.receive(max: batch, wait: .seconds(1), visibility: nil)
            if leases.isEmpty { continue }
            let outcomes = try await queue.complete(leases)
            completed.add(outcomes.count { $0 == .done })
          }
        }
      }
      group.addTask {
        try await Task.sleep(for: .seconds(seconds))
        stops.add(1)
      }
      try await group.waitForAll()
    }
    let count = Double(completed.value)
    return (count / start.duration(to: .now).seconds, (ProcessorTime.used - before) / count)
  }
}

/// A number that several tasks count up.
final class Shared: Sendable {
  private let number: Mutex<Int>
  init(_ number: Int) { self.number = Mutex(number) }
  var value: Int { number.withLock { $0 } }
  func add(_ count: Int) { number.withLock { $0 += count } }
}

/// How much a receive of ten costs behind 100,000 waiting messages, as a multiple of behind 100.
enum DepthCost {
  static func measure(in directory: String) async throws -> Double {
    let database = try LocalDatabase.open(directory, durability: .relaxed)
    // No message may leave for being received too often: the shallow queue would soon be empty.
    let settings = LocalQueue.Settings(maximumReceives: nil)
    let deep = LocalQueue("deep", in: database, settings: settings)
    let shallow = LocalQueue("shallow", in: database, settings: settings)
    try await fill(deep, 100_000)
    try await fill(shallow, 100)
    _ = try await cost(shallow, rounds: 50)
    var ratios: [Double] = []
    for _ in 0..<7 {
      let (atDepth, atTop) = (try await cost(deep, rounds: 300), try await cost(shallow, rounds: 300))
      ratios.append(atDepth / atTop)
    }
    return ratios.median
  }

  private static func fill(_ queue: LocalQueue, _ count: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<(count / 40) {
            _ = try await queue.send((0..<10).map { _ in OutgoingMessage(body: [UInt8](repeating: 120, count: 500)) })
          }
        }
      }
      try await group.waitForAll()
    }
    // 100 does not divide by 40.
    for _ in 0..<(count % 40) { try await queue.send(OutgoingMessage(body: [UInt8](repeating: 120, count: 500))) }
  }

  /// Seconds that half of the receives stay below; each lease is given back, so that the depth stays.
  private static func cost(_ queue: LocalQueue, rounds: Int) async throws -> Double {
    var costs: [Double] = []
    for _ in 0..<rounds {
      let start = ContinuousClock.now
      let leases = try await queue.receive(max: 10, wait: .zero, visibility: .seconds(60))
      costs.append(start.duration(to: .now).seconds)
      guard leases.count == 10 else { throw SDError(.internal, "a receive of ten got \(leases.count)") }
      _ = try await queue.abandon(leases, after: .zero)
    }
    return costs.median
  }
}
