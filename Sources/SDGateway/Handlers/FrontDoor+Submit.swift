import HTTPTransport
import HTTPTypes
import SDCore

extension FrontDoor {
  private static let longestWait = 60

  /// `POST /v1/tasks`.
  func submit(_ request: GatewayRequest) async throws -> GatewayResponse {
    let wait = PreferField.wait(request.headers[.prefer]).map { min($0, Self.longestWait) }
    let idempotencyKey = try idempotencyKey(of: request)
    let (status, entry) = try await take(Self.json(of: request), request, idempotencyKey: idempotencyKey)
    return try await submitted(status, entry, wait, request)
  }

  /// Takes one task of `/v1`; answers 201 for a new one, 200 for one that is known.
  func take(
    _ body: JSONValue, _ request: GatewayRequest, idempotencyKey: String?
  ) async throws -> (status: HTTPResponse.Status, entry: LedgerEntry) {
    let tenant = request.caller.tenant
    let task = try V1Door.decode(
      body, tenant: tenant,
      mintedID: idempotencyKey.map { SubmissionID.taskID(tenant: tenant, key: $0) } ?? RandomName.make(),
      now: services.clocks.timestamp)
    try checkWebhook(of: task)
    switch try await take(task, request, idempotencyKey: idempotencyKey) {
    case .created(let entry): return (.created, entry)
    case .known(let entry): return (.ok, entry)
    case .taken(let entry):
      throw Problem(
        .conflict,
        idempotencyKey == nil
          ? "the id \(entry.record.key.task.id) belongs to another task"
          : "the idempotency key, or the id, belongs to another task")
    }
  }

  /// The JSON of a request; a 400 for what is none.
  static func json(of request: GatewayRequest) throws(Problem) -> JSONValue {
    let body: JSONValue
    do { body = try JSONValue(parsing: request.body) } catch {
      throw Problem(.badRequest, "the body is not JSON that is taken here: \(error)")
    }
    guard body.object != nil else { throw Problem(.badRequest, "a JSON object belongs here, not a \(body.kind)") }
    return body
  }

  private func submitted(
    _ status: HTTPResponse.Status, _ entry: LedgerEntry, _ wait: Int?, _ request: GatewayRequest
  ) async throws -> GatewayResponse {
    var record = entry.record
    var headers: HTTPFields = [.location: "/v1/tasks/\(record.key.task.id)"]
    if let wait {
      headers[.preferenceApplied] = "wait=\(wait)"
      if !record.state(at: services.clocks.timestamp).isTerminal {
        // The task is taken, whatever becomes of the waiting: a watcher too many must not make it look refused.
        _ = try? await watch.end(of: record.key, within: min(.seconds(wait), request.patience ?? .seconds(wait)))
        record = (try? await services.ledger.read(record.key))?.record ?? record
      }
    }
    return .json(status, view(record).json, headers: headers)
  }

  private func checkWebhook(of task: TaskRequest) throws(RequestProblem) {
    guard let webhook = task.options.webhook else { return }
    let why: String
    if services.webhooks == nil {
      why = "this deployment delivers no webhooks"
    } else if (try? HTTPRequest(method: .post, url: webhook.url)) == nil {
      why = "is not a URL that can be called"
    } else {
      return
    }
    throw RequestProblem("the task cannot be taken as it stands", fields: [.init("/webhook", why)])
  }

  func idempotencyKey(of request: GatewayRequest) throws(Problem) -> String? {
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
