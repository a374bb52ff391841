import HTTPTypes
import SDCore

extension FrontDoor {
  private static let longestWait = 60

  /// `POST /v1/tasks`.
  func submit(_ request: GatewayRequest) async throws -> GatewayResponse {
    let wait = PreferField.wait(request.headers[.prefer]).map { min($0, Self.longestWait) }
    let tenant = tenant(of: request)
    let idempotencyKey = try idempotencyKey(of: request)
    let body: JSONValue
    do { body = try JSONValue(parsing: request.body) } catch {
      throw Problem(.badRequest, "the body is not JSON that is taken here: \(error)")
    }
    guard body.object != nil else { throw Problem(.badRequest, "a task is a JSON object, not a \(body.kind)") }
    let task = try V1Door.decode(
      body, tenant: tenant,
      mintedID: idempotencyKey.map { SubmissionID.taskID(tenant: tenant, key: $0) } ?? RandomName.make(),
      now: services.clocks.timestamp)
    if task.options.priority == .high {
      throw RequestProblem(
        "the task cannot be taken as it stands",
        fields: [.init("/priority", "this deployment has no queue for tasks of high priority")])
    }
    let outcome = try await services.submissions.submit(
      task, idempotencyKey: idempotencyKey, trace: trace(of: request))
    switch outcome {
    case .created(let entry): return try await submitted(.created, entry, wait)
    case .known(let entry): return try await submitted(.ok, entry, wait)
    case .taken(let entry):
      throw Problem(
        .conflict,
        idempotencyKey == nil
          ? "the id \(entry.record.key.task.id) belongs to another task"
          : "the idempotency key, or the id, belongs to another task")
    }
  }

  private func submitted(
    _ status: HTTPResponse.Status, _ entry: LedgerEntry, _ wait: Int?
  ) async throws -> GatewayResponse {
    var record = entry.record
    var headers: HTTPFields = [.location: "/v1/tasks/\(record.key.task.id)"]
    if let wait {
      headers[.preferenceApplied] = "wait=\(wait)"
      if !record.state(at: services.clocks.timestamp).isTerminal {
        // The task is taken, whatever becomes of the waiting: a watcher too many must not make it look refused.
        _ = try? await watch.end(of: record.key, within: .seconds(wait))
        record = (try? await services.ledger.read(record.key))?.record ?? record
      }
    }
    return .json(status, view(record).json, headers: headers)
  }

  private func idempotencyKey(of request: GatewayRequest) throws(Problem) -> String? {
    guard let key = request.headers[.idempotencyKey] else { return nil }
    guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
      throw Problem(.badRequest, "an Idempotency-Key has 1 to 255 printable ASCII characters")
    }
    return key
  }
}

/// The `Prefer` field of a request (RFC 7240).
enum PreferField {
  /// The seconds of `wait=N`.
  static func wait(_ field: String?) -> Int? {
    for preference in (field ?? "").split(separator: ",") {
      // What follows a semicolon are parameters of the preference.
      let words = preference.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
      guard words.count == 2, words[0].trimmingSpaces.lowercased() == "wait" else { continue }
      let text = words[1].trimmingSpaces
      guard (1...9).contains(text.utf8.count), let seconds = Int(text), seconds >= 0 else { return nil }
      return seconds
    }
    return nil
  }
}
