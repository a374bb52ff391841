import HTTPTransport
import SDCore
import Synchronization

/// One graph on its way through ComfyUI, and what its events have told so far.
final class ComfyJob: Sendable {
  private struct State {
    var promptID: String
    var isInterrupted = false
    var hasEnded = false
    /// Done, from 0 to 1, by node.
    var nodes: [String: Double] = [:]
    var step: Int?
    var steps: Int?
    var preview: (bytes: [UInt8], type: String)?
    var isRunning = false
  }

  /// Rung when an event says that the job has ended.
  let news = Bell()
  private let nodeCount: Int
  private let state: Mutex<State>

  init(nodeCount: Int) {
    self.nodeCount = nodeCount
    state = Mutex(State(promptID: Self.newID()))
  }

  /// The id that ComfyUI knows it by; never used twice, since a second use would run again over the first's history.
  var promptID: String { state.withLock { $0.promptID } }
  var isInterrupted: Bool { state.withLock { $0.isInterrupted } }
  /// Whether an event told of the end.
  var hasEnded: Bool { state.withLock { $0.hasEnded } }

  func noteInterrupt() {
    state.withLock { $0.isInterrupted = true }
    news.ring()
  }

  /// Begins anew under another id.
  func renew() { state.withLock { $0 = State(promptID: Self.newID(), isInterrupted: $0.isInterrupted) } }

  /// How far it is; `nil` before any event told.
  func progress(withPreview: Bool) -> TaskProgress? {
    state.withLock { state in
      guard state.isRunning else { return nil }
      let done = state.nodes.values.reduce(0, +) / Double(max(1, nodeCount))
      return TaskProgress(
        fraction: min(1, done), step: state.step, steps: state.steps,
        preview: withPreview ? state.preview?.bytes : nil, previewType: withPreview ? state.preview?.type : nil)
    }
  }

  // MARK: Events

  func take(_ message: WebSocket.Message) {
    switch message {
    case .text(let text):
      guard let event = try? JSONValue(parsing: text), let type = event["type"]?.string else { return }
      take(type, event["data"] ?? .null)
    case .binary(let bytes): takePicture(bytes)
    }
  }

  private func take(_ type: String, _ data: JSONValue) {
    let ends: Bool = state.withLock { state in
      guard data["prompt_id"]?.string == state.promptID else { return false }
      switch type {
      case "execution_start": state.isRunning = true
      case "execution_cached":
        for node in data["nodes"]?.array ?? [] { if let node = node.string { state.nodes[node] = 1 } }
      case "executing":
        state.isRunning = true
        // What was being worked on before is done; ComfyUI works on one node at a time.
        for node in state.nodes.keys { state.nodes[node] = 1 }
        if let node = data["node"]?.string { state.nodes[node] = 0 }
        (state.step, state.steps) = (nil, nil)
      case "progress":
        guard let node = data["node"]?.string, let value = data["value"]?.double, let max = data["max"]?.double, max > 0
        else { return false }
        state.isRunning = true
        state.nodes[node] = min(1, value / max)
        (state.step, state.steps) = (data["value"]?.int, data["max"]?.int)
      case "executed": if let node = data["node"]?.string { state.nodes[node] = 1 }
      case "execution_success", "execution_error", "execution_interrupted":
        state.hasEnded = true
        return true
      default: break
      }
      return false
    }
    if ends { news.ring() }
  }

  /// Four bytes of event (1: a preview), four of format (1 JPEG, 2 PNG), then the picture.
  private func takePicture(_ bytes: [UInt8]) {
    guard bytes.count > 8, bytes[0...3].elementsEqual([0, 0, 0, 1]) else { return }
    guard let preview = EmbeddedImage.preview(Array(bytes[8...])) else { return }
    state.withLock { $0.preview = preview }
  }

  private static func newID() -> String {
    let hex = (0..<16).map { _ in UInt8.random(in: 0...255) }.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    return [hex[0..<4], hex[4..<6], hex[6..<8], hex[8..<10], hex[10..<16]].map { $0.joined() }.joined(separator: "-")
  }
}
