import SDClient
import SDCore

/// Follows a task to its end and shows how it goes: a line on a terminal, or one JSON object an event.
struct TaskFollower {
  var client: SDClient
  var format: OutputFormat
  /// Whether each event is a result of the command, or only passes over the terminal.
  var printsEvents: Bool

  /// The task at its end.
  func follow(_ id: String, run: Int?) async throws -> TaskView {
    var line = ProgressLine()
    for try await event in client.events(id, run: run) {
      switch event {
      case .state(let task):
        show(&line, task.state.rawValue)
        note("state", task.json, "\(task.state.rawValue)")
      case .progress(let progress):
        show(&line, progress.text)
        note("progress", progress.json, progress.text)
      case .preview: break
      case .end(let task):
        line.clear()
        return task
      }
    }
    return try await client.task(id, run: run)
  }

  private func show(_ line: inout ProgressLine, _ text: String) {
    guard format == .text, !printsEvents || Terminal.isInteractive else { return }
    line.show(text)
  }

  /// On a terminal the line says it; in a pipe each event is a line of its own.
  private func note(_ name: String, _ json: JSONValue, _ text: String) {
    guard printsEvents else { return }
    switch format {
    case .json: Terminal.print((["event": .string(name), "data": json] as JSONValue).text)
    case .text: if !Terminal.isInteractive { Terminal.print(text) }
    }
  }
}
