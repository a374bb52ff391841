public import AWSKit
import FoundationEssentials
public import Logging
public import SDCore
import Synchronization

/// A queue of Amazon SQS.
///
/// A queue whose URL ends in `.fifo` keeps the order of groups; on others a group is a tenant of a fair queue. Leases are
/// receipts: they are counted from when the request went out, and one whose time is over is lost without asking, since SQS
/// would delete by an old receipt what another has by now. Letters go to the queue that the redrive policy names, body and
/// attributes as they were, with the reason.
public struct SQSQueue: MessageQueue {
  /// Where letters go.
  public enum DeadLetters: Sendable, Hashable {
    /// To the target of the queue's redrive policy, looked up when the first letter is written.
    case redriveTarget
    /// To the queue of this URL.
    case queue(url: String)
    /// Nowhere.
    case none
  }

  public let name: String
  let declared: QueueCapabilities
  /// The queue's URL.
  public let url: String
  let sqs: SQS
  let deadLetters: DeadLetters
  let clocks: Clocks
  let logger: Logger
  let memory = Memory()

  /// The longest that a message may be hidden, in seconds.
  static let longestVisibility = 43_200
  /// The longest delay of a message, in seconds.
  static let longestDelay = 900

  /// The queue of a URL; nothing is asked before the first call.
  ///
  /// - Parameters:
  ///   - url: as `GetQueueUrl` tells it. Its host's region goes before the client's.
  ///   - maximumBytes: what the queue's `MaximumMessageSize` allows.
  /// - Throws: `.configuration` without a region.
  public init(
    url: String, client: AWSClient, deadLetters: DeadLetters = .redriveTarget,
    maximumBytes: Int = SQS.maximumMessageBytes, clocks: Clocks = .system, logger: Logger = Logger(label: "sqs")
  ) throws(SDError) {
    let name = String(url.split(separator: "/").last ?? "")
    do { sqs = try SQS(client, region: Self.region(of: url)) } catch {
      throw SDError(.configuration, "queue \(name): \(error.message)", underlying: error)
    }
    let isFIFO = name.hasSuffix(".fifo")
    var abilities: QueueCapabilities.Ability = isFIFO ? [.groups, .deduplication] : [.delay, .fairShare]
    if deadLetters != .none { abilities.insert(.deadLetter) }
    declared = QueueCapabilities(
      abilities: abilities, maximumBytes: maximumBytes, maximumBatch: SQS.maximumBatchEntries)
    (self.url, self.name, self.deadLetters, self.clocks, self.logger) = (url, name, deadLetters, clocks, logger)
  }

  /// What the queue can do. Whether letters have somewhere to go is known once the queue was asked for its attributes.
  public var capabilities: QueueCapabilities {
    guard deadLetters == .redriveTarget, let known = memory.attributes, known["RedrivePolicy"] == nil else {
      return declared
    }
    var capabilities = declared
    capabilities.abilities.remove(.deadLetter)
    return capabilities
  }

  /// The queue of a name in the client's account and region.
  public static func named(
    _ name: String, client: AWSClient, deadLetters: DeadLetters = .redriveTarget, clocks: Clocks = .system,
    logger: Logger = Logger(label: "sqs")
  ) async throws -> SQSQueue {
    let url = try await attempting("looking up queue \(name)") { () async throws(AWSError) in
      try await SQS(client).getQueueURL(name: name)
    }
    return try SQSQueue(url: url, client: client, deadLetters: deadLetters, clocks: clocks, logger: logger)
  }

  /// The region in the host of a queue's URL; `nil` for hosts that are not SQS's own.
  static func region(of url: String) -> String? {
    guard let start = url.firstRange(of: "://")?.upperBound else { return nil }
    let labels = url[start...].prefix { $0 != "/" && $0 != ":" }.split(separator: ".")
    guard labels.count >= 4, labels.contains("amazonaws") || labels.contains("api") else { return nil }
    // `sqs.REGION.amazonaws.com`, `sqs-fips.REGION.…`, and of old `REGION.queue.amazonaws.com`.
    if labels[0] == "sqs" || labels[0] == "sqs-fips" { return String(labels[1]) }
    return labels[1] == "queue" ? String(labels[0]) : nil
  }

  /// What is remembered between calls.
  final class Memory: Sendable {
    private struct State {
      var attributes: [String: String]?
      var letters: SQSQueue?
      var ended = Receipts()
      var lettered = Receipts()
    }
    private let state = Mutex(State())

    var attributes: [String: String]? {
      get { state.withLock { $0.attributes } }
      set { state.withLock { $0.attributes = newValue } }
    }

    var letters: SQSQueue? {
      get { state.withLock { $0.letters } }
      set { state.withLock { $0.letters = newValue } }
    }

    /// Receipts that were ended here: SQS would say of some that they were ended once more.
    func hasEnded(_ receipt: String) -> Bool { state.withLock { $0.ended.contains(receipt) } }
    func noteEnd(_ receipt: String) { state.withLock { $0.ended.insert(receipt) } }

    /// Receipts whose letters are written, while their messages may not be deleted yet.
    func hasLetter(_ receipt: String) -> Bool { state.withLock { $0.lettered.contains(receipt) } }
    func noteLetter(_ receipt: String) { state.withLock { $0.lettered.insert(receipt) } }
  }

  /// The last few hundred receipts of a kind.
  private struct Receipts {
    private static let capacity = 512
    private var known: Set<String> = []
    private var order: [String] = []

    func contains(_ receipt: String) -> Bool { known.contains(receipt) }

    mutating func insert(_ receipt: String) {
      guard known.insert(receipt).inserted else { return }
      order.append(receipt)
      if order.count > Self.capacity { known.remove(order.removeFirst()) }
    }
  }

  // MARK: What it is like

  /// The queue's attributes, asked once.
  func attributes() async throws -> [String: String] {
    if let known = memory.attributes { return known }
    let found = try await attempting("reading the attributes of queue \(name)") { () async throws(AWSError) in
      try await sqs.getQueueAttributes(queueURL: url)
    }
    memory.attributes = found
    return found
  }

  /// How long leases run when a receive does not say.
  public var visibility: Duration {
    get async throws {
      let text = try await attributes()["VisibilityTimeout"]
      return .seconds(text.flatMap { Int64($0) } ?? 30)
    }
  }

  /// Counts, approximate as SQS's are. Letters are counted where their queue can be asked.
  public func stats() async throws -> QueueStats {
    let found = try await attempting("counting the messages of queue \(name)") { () async throws(AWSError) in
      try await sqs.getQueueAttributes(queueURL: url)
    }
    func count(_ key: String) -> Int { found["ApproximateNumberOf\(key)"].flatMap { Int($0) } ?? 0 }
    var stats = QueueStats(
      waiting: count("Messages"), inFlight: count("MessagesNotVisible"), delayed: count("MessagesDelayed"))
    if deadLetters != .none, let letters = try? await letters() {
      let dead = try await letters.stats()
      stats.dead = dead.waiting + dead.inFlight + dead.delayed
    }
    return stats
  }

  /// Refuses batches that SQS would.
  func checkBatch(_ count: Int) throws(SDError) {
    guard count <= capabilities.maximumBatch else {
      throw SDError(
        .invalid, "a batch of \(count) for queue \(name); it has \(capabilities.maximumBatch) entries at most")
    }
  }
}

extension Duration {
  /// Whole seconds, rounded up.
  var wholeSeconds: Int { Int(components.seconds) + (components.attoseconds > 0 ? 1 : 0) }
}
