import SDCore

extension TaskView {
  /// Everything about a task, for people.
  var text: String {
    var lines: [(String, String)] = [("task", run == 1 ? id : "\(id), run \(run)")]
    let isEnding = cancelRequested && !state.isTerminal
    lines.append(("state", isEnding ? "\(state.rawValue), to be cancelled" : state.rawValue))
    lines.append(("type", type.rawValue))
    if let runtime { lines.append(("runtime", runtime)) }
    if let model { lines.append(("model", model)) }
    lines.append(("created", createdAt.description))
    if let startedAt { lines.append(("started", startedAt.description)) }
    if let finishedAt { lines.append(("ended", finishedAt.description)) }
    if let expiresAt, !state.isTerminal { lines.append(("expires", expiresAt.description)) }
    if attempts > 0 { lines.append(("attempts", "\(attempts)")) }
    if !timings.isEmpty {
      let stages = timings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.shortSeconds)" }
      lines.append(("timings", stages.joined(separator: ", ")))
    }
    for output in outputs { lines.append(("output \(output.number)", output.text)) }
    if let error {
      lines.append(("error", "\(error.code)\(error.stage.isEmpty ? "" : " (\(error.stage))")"))
      lines.append(("", error.message))
    }
    if let context { lines.append(("context", context.text)) }
    return Columns(lines).text
  }

  /// A task in one line of a table.
  func row(at now: Timestamp) -> [String] {
    let took = finishedAt.map { ($0 - createdAt).seconds.shortSeconds } ?? "-"
    return [
      id, "\(run)", state.rawValue, (now - createdAt).seconds.age, took, runtime ?? "-", type.rawValue,
      "\(outputs.count)",
    ]
  }

  /// The table that such rows go into.
  static var table: Table {
    Table(
      ["ID", "RUN", "STATE", "AGE", "TOOK", "RUNTIME", "TYPE", "OUT"], flexible: ["TYPE", "RUNTIME"],
      sparable: ["OUT", "TYPE", "TOOK"],
      colours: ["STATE": Colour.ofState])
  }
}

extension TaskView.Output {
  fileprivate var text: String {
    var parts = [uri, contentType]
    if let width, let height { parts.append("\(width)x\(height)") }
    parts.append("\(bytes) bytes")
    if let seed { parts.append("seed \(seed)") }
    return parts.joined(separator: "  ")
  }
}

extension TaskProgress {
  /// How far it is, in a line: a bar, the steps, what is left.
  var text: String {
    var text = ProgressBar.text(fraction)
    if let step, let steps { text += ", step \(step) of \(steps)" }
    if let eta, eta >= 0 { text += ", about \(eta.shortSeconds) left" }
    return text
  }
}

extension Double {
  /// Seconds since something, in its largest unit: `42 s`, `5 min`, `3 h`, `12 d`.
  var age: String {
    guard isFinite, self < 1e11 else { return "-" }
    let seconds = Int(Swift.max(0, self))
    return switch seconds {
    case ..<120: "\(seconds) s"
    case ..<7200: "\(seconds / 60) min"
    case ..<172_800: "\(seconds / 3600) h"
    default: "\(seconds / 86400) d"
    }
  }

  /// Seconds for people: `0.25 s`, `12.3 s`, `4 min 5 s`.
  var shortSeconds: String {
    guard isFinite, abs(self) < 1e9 else { return "-" }
    if self >= 60 {
      let whole = Int(self)
      return "\(whole / 60) min \(whole % 60) s"
    }
    if self >= 10 {
      let tenths = Int((self * 10).rounded())
      return "\(tenths / 10).\(tenths % 10) s"
    }
    let hundredths = Int((magnitude * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) s"
  }
}
