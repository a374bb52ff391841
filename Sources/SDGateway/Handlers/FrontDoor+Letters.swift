import HTTPTypes
import SDCore

extension FrontDoor {
  /// Letters that one call goes past; who has more calls again.
  private static let lettersAtOnce = 1000

  /// `GET /v1/runtimes/{name}/dead-letters`.
  func letters(of name: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let limit = try request.integer("limit", in: 1...Self.lettersAtOnce) ?? 100
    let letters = try await deadLetters(of: name, request)
    return .json(.ok, ["letters": .array(try await letters.list(max: limit).map(\.summary))])
  }

  /// `POST /v1/runtimes/{name}/dead-letters:redrive`: sends letters back to the queue that they came from.
  func redrive(_ name: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let letters = try await deadLetters(of: name, request)
    let selection = try Self.selection(of: try Self.json(of: request))
    return answer("redriven", try await letters.redrive(selection, max: Self.lettersAtOnce))
  }

  /// `POST /v1/runtimes/{name}/dead-letters:drop`: removes letters for good.
  func drop(_ name: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let letters = try await deadLetters(of: name, request)
    let selection = try Self.selection(of: try Self.json(of: request))
    return answer("dropped", try await letters.drop(selection, max: Self.lettersAtOnce))
  }

  private func answer(_ verb: String, _ result: DeadLetters.Result) -> GatewayResponse {
    let failed = result.failed.sorted { $0.key < $1.key }
    return .json(
      .ok,
      [
        verb: .strings(result.done), "missing": .strings(result.missing.sorted()),
        "failed": .object(JSONObject(failed.map { ($0.key, .string($0.value)) })),
      ])
  }

  private func deadLetters(of name: String, _ request: GatewayRequest) async throws -> DeadLetters {
    guard request.caller.mayOperate else {
      throw Problem(.forbidden, "dead letters are for operators: this API key would need `operator: true`")
    }
    guard let runtime = services.catalog.runtimes.first(where: { $0.name == name }) else {
      throw Problem(.notFound, "there is no such runtime")
    }
    guard let queue = services.queues[runtime.name] as? any OperableQueue else {
      throw Problem(.notFound, "the dead letters of runtime \(runtime.name) cannot be reached from here")
    }
    do {
      return try await DeadLetters(of: queue, clocks: services.clocks)
    } catch let error as SDError where error.code == .unsupported {
      throw Problem(.notFound, error.message)
    }
  }

  /// Which letters a body means: `{"ids": [...]}`, `{"code": "..."}` or `{"all": true}`.
  private static func selection(of body: JSONValue) throws(RequestProblem) -> DeadLetters.Selection {
    let members = body.object?.members ?? []
    var fields: [RequestProblem.Field] = []
    var selection: DeadLetters.Selection?
    for member in members {
      switch (member.name, member.value) {
      case ("ids", .array(let ids))
      where (1...lettersAtOnce).contains(ids.count) && ids.allSatisfy { $0.string != nil }:
        selection = .ids(Set(ids.compactMap(\.string)))
      case ("ids", _): fields.append(.init("/ids", "is not a list of 1 to \(lettersAtOnce) ids"))
      case ("code", .string(let code)): selection = .code(code)
      case ("code", _): fields.append(.init("/code", "is not a string"))
      case ("all", true): selection = .all
      case ("all", _): fields.append(.init("/all", "is not true; leave it out to mean some"))
      default: fields.append(.init("/\(member.name)", "is not a member of this"))
      }
    }
    if fields.isEmpty, members.count != 1 { fields.append(.init("", "says not one of ids, code, all")) }
    guard fields.isEmpty, let selection else {
      throw RequestProblem("it is not clear which letters are meant", fields: fields)
    }
    return selection
  }
}

extension Letter {
  /// The letter without its body, which may be large.
  fileprivate var summary: JSONValue {
    var json: JSONValue = [
      "id": .string(id), "code": .string(code), "reason": .string(explanation), "receives": .int(message.receiveCount),
      "bytes": .int(message.body.count),
    ]
    json["sent_at"] = message.sentAt.map { .string($0.description) }
    json["task"] = task.map { .string($0.key.id) }
    json["tenant"] = task.flatMap { $0.key.tenant.isEmpty ? nil : .string($0.key.tenant) }
    json["run"] = run.map(JSONValue.int)
    json["type"] = task.map { .string($0.type.rawValue) }
    json["problem"] = problem.map(JSONValue.string)
    return json
  }
}
