public import SDCore
import Synchronization

/// Inputs behind references, as a test lays them out; everything else is unreachable.
public final class FakeInputs: InputSource {
  private struct State {
    var inputs: [String: Result<[UInt8], TaskError>] = [:]
    var fetched: [String] = []
  }
  private let state = Mutex(State())

  /// Inputs by their references.
  public init(_ inputs: [String: [UInt8]] = [:]) {
    state.withLock { $0.inputs = inputs.mapValues { .success($0) } }
  }

  /// Lays out bytes, or an error, behind a reference.
  public func set(_ reference: String, _ input: Result<[UInt8], TaskError>) {
    state.withLock { $0.inputs[reference] = input }
  }

  /// What was fetched, in order.
  public var fetched: [String] { state.withLock { $0.fetched } }

  public func fetch(_ reference: String) async throws -> [UInt8] {
    let input = state.withLock { state in
      state.fetched.append(reference)
      return state.inputs[reference]
    }
    guard let input else { throw TaskError(.inputUnreachable, .prepare, "there is nothing at \(reference)") }
    return try input.get()
  }
}
