import SDCore
import SDRuntime

extension QueueStats {
  /// As programs read it.
  func json(of queue: OperatedQueue) -> JSONValue {
    var json: JSONValue = [
      "queue": .string(queue.queue.name), "waiting": .int(waiting), "in_flight": .int(inFlight),
      "delayed": .int(delayed),
    ]
    json["runtime"] = queue.runtime.map(JSONValue.string)
    json["dead"] = dead.map(JSONValue.int)
    json["oldest_seconds"] = oldestAge.map(JSONValue.double)
    return json
  }
}

extension QueuedMessage {
  /// As programs read it; a body that is no text is in base64.
  var json: JSONValue {
    var json: JSONValue = [
      "message": .string(id), "state": .string(standing.rawValue), "receives": .int(receiveCount),
      "attributes": .object(JSONObject(attributes.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) })),
    ]
    json["sent_at"] = sentAt.map { .string($0.description) }
    json["group"] = groupID.map(JSONValue.string)
    if let text = String(validating: body, as: UTF8.self) {
      json["body"] = .string(text)
    } else {
      json["body_base64"] = .string(AttributeValue.binary(body).wireText)
    }
    return json
  }
}

extension AttributeValue {
  fileprivate var json: JSONValue {
    switch self {
    case .string(let text), .number(let text): .string(text)
    case .list(let elements): .array(elements)
    case .binary: .string(wireText)
    }
  }
}

extension Letter {
  /// As programs read it.
  var json: JSONValue {
    var json = message.json
    json["code"] = .string(code)
    json["reason"] = .string(explanation)
    json["task"] = task.map { .string($0.key.id) }
    json["run"] = run.map(JSONValue.int)
    json["type"] = task.map { .string($0.type.rawValue) }
    json["runtime"] = task?.runtime.map(JSONValue.string)
    json["problem"] = problem.map(JSONValue.string)
    return json
  }

  /// In one line of a table.
  func row(at now: Timestamp) -> [String] {
    [id, task?.key.id ?? "-", message.sentAt.map { (now - $0).seconds.age } ?? "-", code, explanation]
  }

  /// The table that such rows go into.
  static var table: Table {
    Table(["LETTER", "TASK", "AGE", "CODE", "REASON"], flexible: ["REASON", "TASK"])
  }

  /// Everything about it, for people: the body last.
  var text: String {
    var lines = [("letter", id), ("code", code), ("reason", explanation)]
    if let task {
      lines.append(("task", run.map { "\(task.key.id), run \($0)" } ?? task.key.id))
      if !task.key.tenant.isEmpty { lines.append(("tenant", task.key.tenant)) }
      lines.append(("type", task.type.rawValue))
      if let runtime = task.runtime { lines.append(("runtime", runtime)) }
    }
    if let problem { lines.append(("no task", problem)) }
    if let sentAt = message.sentAt { lines.append(("sent", sentAt.description)) }
    lines.append(("receives", "\(message.receiveCount)"))
    for (name, value) in message.attributes.sorted(by: { $0.key < $1.key }) { lines.append((name, value.wireText)) }
    return Columns(lines).text + "\n\n" + BodyText(message.body).text
  }
}

/// A message's body as it can be looked at: JSON laid out, long strings cut.
private struct BodyText {
  let text: String

  private static let longest = 200

  init(_ body: [UInt8]) {
    guard let whole = String(validating: body, as: UTF8.self) else {
      text = "\(body.count) bytes that are no text"
      return
    }
    text =
      (try? JSONValue(parsing: body)).map { Self.laidOut($0, indent: "") }
      ?? whole.split(
        separator: "\n", omittingEmptySubsequences: false
      ).map { Terminal.plain(String($0)) }.joined(separator: "\n")
  }

  private static func laidOut(_ value: JSONValue, indent: String) -> String {
    let inner = indent + "  "
    if let members = value.object?.members, !members.isEmpty {
      let lines = members.map { "\(inner)\(JSONValue.string($0.name).text): \(laidOut($0.value, indent: inner))" }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
    }
    if let elements = value.array, !elements.isEmpty {
      return "[\n" + elements.map { inner + laidOut($0, indent: inner) }.joined(separator: ",\n") + "\n\(indent)]"
    }
    let text = Terminal.plain(value.text)
    guard text.utf8.count > longest else { return text }
    return "\(text.prefix(60))... (\(text.utf8.count) bytes)"
  }
}
