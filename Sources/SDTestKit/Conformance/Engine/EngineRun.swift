import SDCore
import Synchronization

/// A request that is with its engine while a test goes on.
final class EngineRun: Sendable {
  private struct State {
    var task: Task<Void, Never>?
    var outcome: Result<InferenceResult, any Error>?
    var answers = 0
  }

  let prepared: PreparedInference
  private let state = Mutex(State())

  init(_ backend: any InferenceBackend, _ prepared: PreparedInference) {
    self.prepared = prepared
    let task = Task {
      let outcome: Result<InferenceResult, any Error>
      do {
        let answer = try await backend.run(prepared) { self.state.withLock { $0.answers += 1 } }
        outcome = .success(try await answer.finish())
      } catch {
        outcome = .failure(error)
      }
      self.state.withLock { $0.outcome = outcome }
    }
    state.withLock { $0.task = task }
  }

  /// How often the backend said that the engine had begun to answer.
  var answers: Int { state.withLock { $0.answers } }
  var hasEnded: Bool { state.withLock { $0.outcome != nil } }

  func cancel() { state.withLock { $0.task }?.cancel() }

  /// How it ends, which it must before long.
  func ended(_ what: String) async throws -> Result<InferenceResult, any Error> {
    try await eventually("the end of \(what)", limit: .seconds(30)) { self.hasEnded }
    return try unwrap(state.withLock { $0.outcome }, "an outcome")
  }

  /// The error that it ends with.
  func failure(_ what: String, file: StaticString = #fileID, line: UInt = #line) async throws -> any Error {
    switch try await ended(what) {
    case .success: throw ConformanceFailure("\(what): expected an error, but it succeeded", file, line)
    case .failure(let error): return error
    }
  }

  /// Expects that it ends as what was cancelled does.
  func expectCancelled(_ what: String, file: StaticString = #fileID, line: UInt = #line) async throws {
    let error = try await failure(what, file: file, line: line)
    try expect(
      error is CancellationError, "\(what): expected a CancellationError, got \(type(of: error)): \(error)", file: file,
      line: line)
  }
}
