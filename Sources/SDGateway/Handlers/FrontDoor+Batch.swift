import HTTPTypes
import SDCore

extension FrontDoor {
  private static let largestBatch = 100
  /// Tasks of one batch that are under way at once: enough for a ledger to write them together.
  private static let atOnce = 32

  /// `POST /v1/tasks:batch`: up to a hundred tasks, each with an outcome of its own.
  func submitBatch(_ request: GatewayRequest) async throws -> GatewayResponse {
    let body = try Self.json(of: request)
    let idempotencyKey = try idempotencyKey(of: request)
    let tasks = try Self.tasks(of: body)
    try gate.count(tasks.count - 1, of: request.caller)
    let results = await withTaskGroup(of: (Int, JSONValue).self) { group in
      var results = [JSONValue](repeating: .null, count: tasks.count)
      var next = 0
      func start() {
        guard next < tasks.count else { return }
        let position = next
        next += 1
        group.addTask { (position, await result(of: tasks[position], position, idempotencyKey, request)) }
      }
      for _ in 0..<Self.atOnce { start() }
      while let (position, result) = await group.next() {
        results[position] = result
        start()
      }
      return results
    }
    return .json(.ok, ["results": .array(results)])
  }

  private static func tasks(of body: JSONValue) throws(RequestProblem) -> [JSONValue] {
    let wrong = "the batch cannot be taken as it stands"
    guard let tasks = body["tasks"]?.array, (1...largestBatch).contains(tasks.count) else {
      throw RequestProblem(wrong, fields: [.init("/tasks", "is not a list of 1 to \(largestBatch) tasks")])
    }
    let others = body.object?.names.filter { $0 != "tasks" } ?? []
    guard others.isEmpty else {
      throw RequestProblem(wrong, fields: others.map { .init("/\($0)", "is not a member of a batch") })
    }
    return tasks
  }

  /// What became of one task: its status, and the task or the problem.
  private func result(
    of task: JSONValue, _ position: Int, _ idempotencyKey: String?, _ request: GatewayRequest
  ) async -> JSONValue {
    do {
      guard task.object != nil else { throw Problem(.badRequest, "a task is a JSON object, not a \(task.kind)") }
      // One key for the whole batch: each task has its own share of it, so that a repeat finds them all.
      let (status, entry) = try await take(
        task, request, idempotencyKey: idempotencyKey.map { "\($0)/\(position)" })
      return ["status": .int(status.code), "task": view(entry.record).json]
    } catch {
      let problem = Problem(error)
      return [
        "status": .int(problem.status.code), "problem": problem.json(instance: "\(request.path)#/tasks/\(position)"),
      ]
    }
  }
}
