public import SDCore
import Synchronization

/// Inputs behind references, as a test lays them out; everything else is unreachable.
public final class FakeInputs: InputSource {
  private struct State {
    var inputs: [String: Result<[UInt8], TaskError>] = [:]
    var fetched: [String] = []
    var bytesUnderWay = 0
    var mostUnderWay = 0
  }
  private let state = Mutex(State())
  public let maximumBytes: Int
  private let isDeclared: Bool
  private let pause: Gate?

  /// Inputs by their references.
  ///
  /// - Parameters:
  ///   - maximumBytes: what is said to be the largest.
  ///   - isDeclared: whether each tells its length before it comes.
  ///   - pause: what each passes after it has told its length.
  public init(
    _ inputs: [String: [UInt8]] = [:], maximumBytes: Int = 1 << 20, isDeclared: Bool = true, pause: Gate? = nil
  ) {
    (self.maximumBytes, self.isDeclared, self.pause) = (maximumBytes, isDeclared, pause)
    state.withLock { $0.inputs = inputs.mapValues { .success($0) } }
  }

  /// Lays out bytes, or an error, behind a reference.
  public func set(_ reference: String, _ input: Result<[UInt8], TaskError>) {
    state.withLock { $0.inputs[reference] = input }
  }

  /// What was fetched, in order.
  public var fetched: [String] { state.withLock { $0.fetched } }

  /// The most bytes that were under way at once.
  public var mostUnderWay: Int { state.withLock { $0.mostUnderWay } }

  public func fetch(_ reference: String, onLength: @escaping @Sendable (Int) -> Void) async throws -> [UInt8] {
    let input = state.withLock { state in
      state.fetched.append(reference)
      return state.inputs[reference]
    }
    guard let input else { throw TaskError(.inputUnreachable, .prepare, "there is nothing at \(reference)") }
    let bytes = try input.get()
    state.withLock {
      $0.bytesUnderWay += bytes.count
      $0.mostUnderWay = max($0.mostUnderWay, $0.bytesUnderWay)
    }
    defer { state.withLock { $0.bytesUnderWay -= bytes.count } }
    if isDeclared { onLength(bytes.count) }
    try await pause?.pass()
    return bytes
  }
}
