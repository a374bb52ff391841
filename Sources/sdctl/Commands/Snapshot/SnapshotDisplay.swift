import SDCore
import Snapshots
import Synchronization

/// Shows how a snapshot is made: on a terminal a few lines that are written over, else a line an event.
final class SnapshotDisplay: Sendable {
  private struct State {
    var live = LiveLines()
    var step: SnapshotStep?
    var since = ContinuousClock.now
    var text = ""
    var detail = ""
    var images: [Line] = []
    var widths = (name: 0, platform: 0)
  }

  private struct Line {
    let image: ImageReference
    let architecture: Architecture
    var progress = ImageProgress.waiting
    var since = ContinuousClock.now
    var took = Duration.zero
  }

  private let isQuiet: Bool
  private let state: Mutex<State>
  private let ticker = Ticker()

  init(_ request: SnapshotRequest, isQuiet: Bool, region: String) {
    self.isQuiet = isQuiet
    var state = State()
    state.images = request.images.flatMap { image in
      request.architectures.map { Line(image: image, architecture: $0) }
    }
    state.widths = (
      state.images.map { $0.image.description.count }.max() ?? 0,
      state.images.map { $0.architecture.platform.count }.max() ?? 0
    )
    self.state = Mutex(state)
    guard !isQuiet else { return }
    ticker.start { [weak self] in self?.state.withLock { Self.draw(&$0) } }
  }

  /// Takes down what was only of the moment.
  func end() {
    ticker.stop()
    state.withLock { $0.live.clear() }
  }

  func show(_ event: SnapshotEvent) {
    guard !isQuiet else { return }
    state.withLock { state in
      switch event {
      case .began(let run, let region, let isResumed):
        state.live.print("\(isResumed ? "going on with" : "run") \(run) in \(region)")
      case .notice(let text): state.live.print(text)
      case .started(let step, let text):
        (state.step, state.text, state.detail, state.since) = (step, text, "", .now)
        if !Terminal.isInteractive { state.live.print("\(Self.place(step)) \(step.doing) \(text)") }
      case .progress(let step, let text):
        state.detail = text
        if !Terminal.isInteractive { state.live.print("\(Self.place(step)) \(text)") }
      case .finished(let step, let text):
        let took = ContinuousClock.now - state.since
        state.step = nil
        state.live.print("\(Self.place(step)) \(text), \(took.seconds.shortSeconds)")
      case .image(let image, let architecture, let progress): Self.note(progress, image, architecture, &state)
      }
      Self.draw(&state)
    }
  }

  private static func note(
    _ progress: ImageProgress, _ image: ImageReference, _ architecture: Architecture, _ state: inout State
  ) {
    guard let index = state.images.firstIndex(where: { $0.image == image && $0.architecture == architecture }) else {
      return
    }
    if state.images[index].progress == .waiting, progress == .pulling { state.images[index].since = .now }
    state.images[index].progress = progress
    state.images[index].took = ContinuousClock.now - state.images[index].since
    // In a pipe each change is a line; on a terminal what is over stays as one.
    if case .retrying(let reason) = progress, Terminal.isInteractive {
      state.live.print("      \(image) for \(architecture.platform) is tried again: \(reason)")
    } else if progress.isOver || (!Terminal.isInteractive && progress != .waiting) {
      state.live.print(line(state.images[index], state))
    }
  }

  private static func draw(_ state: inout State) {
    guard Terminal.isInteractive, let step = state.step else { return state.live.show([]) }
    let time = (ContinuousClock.now - state.since).seconds.shortSeconds
    let open = state.images.filter { !$0.progress.isOver }
    if step == .pulled, state.images.count > 1 {
      state.detail = "\(state.images.count - open.count) of \(state.images.count) done"
    }
    var lines = [
      "\(place(step)) \(step.doing) \(state.text)\(state.detail.isEmpty ? "" : ", \(state.detail)"), \(time)"
    ]
    if step == .pulled {
      lines += open.prefix(12).map { line($0, state) }
      if open.count > 12 { lines.append("      and \(open.count - 12) more") }
    }
    state.live.show(lines)
  }

  private static func line(_ line: Line, _ state: State) -> String {
    // Room for how far it is must be left where somebody sees it.
    let room = Terminal.isInteractive ? max(20, Terminal.width - state.widths.platform - 28) : Int.max
    let name = line.image.description.fittedFromEnd(to: room)
    let took = (line.progress.isOver ? line.took : ContinuousClock.now - line.since).seconds.shortSeconds
    let padding = String(repeating: " ", count: max(0, min(state.widths.name, room) - name.count))
    let platform = line.architecture.platform
    let gap = String(repeating: " ", count: max(0, state.widths.platform - platform.count))
    let words =
      switch line.progress {
      case .waiting: "waiting"
      case .pulling: Terminal.isInteractive ? "pulling, \(took)" : "pulling"
      case .retrying(let reason): Terminal.isInteractive ? "to be tried again" : "tried again: \(reason)"
      case .pulled: "pulled in \(took)"
      case .failed(let reason): "failed: \(reason)"
      }
    return "      \(name)\(padding)  \(platform)\(gap)  \(words)"
  }

  private static func place(_ step: SnapshotStep) -> String { "[\(step.number)/\(SnapshotStep.allCases.count)]" }
}

extension ImageProgress {
  fileprivate var isOver: Bool {
    switch self {
    case .pulled, .failed: true
    case .waiting, .pulling, .retrying: false
    }
  }
}

extension SnapshotStep {
  /// What is done in it, before its object.
  fileprivate var doing: String {
    switch self {
    case .stack: "creating"
    case .online: "waiting"
    case .kubelet, .stopped: "stopping"
    case .emptied, .cleaned: "removing"
    case .pulled: "pulling"
    case .snapshot: "taking the snapshot"
    }
  }
}
