import SDCore
import SDTestKit
import Synchronization

/// How an engine behind HTTP answers requests for pictures, as a conformance suite tells it.
final class HTTPEngine: Sendable {
  typealias Behavior = InferenceBackendConformance.Behavior

  private struct State {
    var behavior = Behavior.makes
    var gate = ServerGate()
    var steps = 0
  }
  private let state = Mutex(State())

  func tell(_ behavior: Behavior) {
    let held: ServerGate? = state.withLock { state in
      defer { (state.behavior, state.steps) = (behavior, 0) }
      guard behavior != .isAway else { return nil }
      defer { state.gate = ServerGate() }
      return state.gate
    }
    held?.open()
  }

  /// Lets go of what it works on, and goes on as it was told.
  func interrupt() { tell(state.withLock { $0.behavior }) }

  func step() { state.withLock { $0.steps += 1 } }

  /// How many requests it works on.
  var working: Int { state.withLock { $0.gate }.waiting }
  /// The steps since it was told how to behave.
  var steps: Int { state.withLock { $0.steps } }

  /// Its answer to a request for so many pictures, given what it would send if all went well.
  func answer(_ count: Int, _ made: (Int) throws -> ScriptedAnswer) -> ScriptedAnswer {
    let (behavior, gate) = state.withLock { ($0.behavior, $0.gate) }
    do {
      switch behavior {
      case .makes: return try made(count)
      case .works: return try made(count).after(gate)
      case .stalls: return .raw("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{\"images\":[\"").then(.hang)
      case .fails: return .json(#"{"error":"RuntimeError","errors":"an illegal memory access"}"#, status: 500)
      case .refuses: return .json(#"{"detail":"the prompt is not to its taste"}"#, status: 422)
      case .garbles: return .respond(body: "<html>please wait</html>")
      case .skimps: return try made(count - 1)
      case .isAway: return .close
      }
    } catch {
      return .respond(status: 599, body: "the stand-in cannot draw: \(error)")
    }
  }
}
