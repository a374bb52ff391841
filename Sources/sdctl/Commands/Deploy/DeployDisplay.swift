import AWSKit
import Deployment
import SDCore
import Synchronization

/// Shows a deployment as it goes: a line an event, and on a terminal what is under way below them.
final class DeployDisplay: Sendable {
  private struct Work {
    var name: String
    var doing: String
    var since = ContinuousClock.now
    var detail = ""
  }

  private struct State {
    var live = LiveLines()
    var work: [Work] = []
  }

  private let state = Mutex(State())
  private let ticker = Ticker()

  init() {
    ticker.start { [weak self] in self?.state.withLock { Self.draw(&$0) } }
  }

  /// Takes down what was only of the moment.
  func end() {
    ticker.stop()
    state.withLock { $0.live.clear() }
  }

  func show(_ event: DeploymentEvent) {
    state.withLock { state in
      switch event {
      case .notice(let text): state.live.print(text)
      case .stackBegan(let name, let action): Self.begin(name, "\(action.doing) stack", &state)
      case .releaseBegan(let name, _): Self.begin(name, "installing release", &state)
      case .stackEvent(let name, let event): Self.tell(event, of: name, &state)
      case .stackEnded(let name, let action): Self.end(name, action.isDone, &state)
      case .releaseEnded(let name, _): Self.end(name, "is in place", &state)
      }
      Self.draw(&state)
    }
  }

  private static func begin(_ name: String, _ doing: String, _ state: inout State) {
    state.work.append(Work(name: name, doing: doing))
    if !Terminal.isInteractive { state.live.print("\(doing) \(name)") }
  }

  private static func end(_ name: String, _ done: String, _ state: inout State) {
    let since = state.work.first { $0.name == name }?.since ?? .now
    state.work.removeAll { $0.name == name }
    state.live.print("\(name) \(done), \((ContinuousClock.now - since).seconds.shortSeconds)")
  }

  private static func tell(_ event: CloudFormation.StackEvent, of name: String, _ state: inout State) {
    let status = event.status ?? ""
    let detail = "\(status) \(event.logicalID ?? "")"
    if let index = state.work.firstIndex(where: { $0.name == name }) { state.work[index].detail = detail }
    var line = "  \(name)  \(detail)  \(event.resourceType ?? "")"
    if let reason = event.reason, status.hasSuffix("FAILED") { line += "\n      \(reason)" }
    for line in line.split(separator: "\n") { state.live.print(String(line)) }
  }

  private static func draw(_ state: inout State) {
    state.live.show(
      state.work.prefix(12).map { work in
        let time = (ContinuousClock.now - work.since).seconds.shortSeconds
        return "\(work.doing) \(work.name), \(time)\(work.detail.isEmpty ? "" : ": \(work.detail)")"
      })
  }
}

extension StackChange.Action {
  fileprivate var doing: String {
    switch self {
    case .create, .recreate: "creating"
    case .update, .keep: "changing"
    case .delete: "deleting"
    }
  }

  fileprivate var isDone: String {
    switch self {
    case .create, .recreate: "is created"
    case .update: "is changed"
    case .keep: "is as it was"
    case .delete: "is deleted"
    }
  }
}
