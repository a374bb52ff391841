public import SDCore
import Synchronization

/// A topic that keeps what is published on it, and can be made to fail.
public final class RecordingTopic: EventTopic {
  private struct State {
    var published: [Publication] = []
    var failures: [SDError] = []
  }
  private let state = Mutex(State())

  public let name: String
  public let maximumBytes: Int

  /// A topic with nothing published yet.
  public init(name: String = "recording", maximumBytes: Int = 256 << 10) {
    (self.name, self.maximumBytes) = (name, maximumBytes)
  }

  /// What was published, in order.
  public var published: [Publication] { state.withLock { $0.published } }

  /// Makes the next publications fail, one error each.
  public func fail(_ errors: SDError...) { state.withLock { $0.failures += errors } }

  @discardableResult
  public func publish(_ publication: Publication) async throws -> String {
    try state.withLock { state throws(SDError) in
      if !state.failures.isEmpty { throw state.failures.removeFirst() }
      state.published.append(publication)
      return "recorded-\(state.published.count)"
    }
  }
}
