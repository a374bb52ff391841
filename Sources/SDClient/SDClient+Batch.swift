internal import HTTPTypes
public import SDCore

extension SDClient {
  /// The most tasks that one call takes.
  public static let largestBatch = 100

  /// Submits several tasks with one call, each with an outcome of its own, in their order.
  ///
  /// - Parameters:
  ///   - tasks: 1 to ``largestBatch``.
  ///   - idempotencyKey: batches with the same key are one; `nil` for one made up.
  /// - Throws: `SDClientError` where nothing is known of any task; a repeat with the same key finds those that were taken.
  public func submit(
    _ tasks: [TaskSubmission], idempotencyKey: String? = nil
  ) async throws -> [Result<TaskView, SDClientError>] {
    guard (1...Self.largestBatch).contains(tasks.count) else {
      throw SDClientError(.invalid, "a batch of \(tasks.count) tasks; it has 1 to \(Self.largestBatch)")
    }
    var request = try request(.post, "/v1/tasks:batch")
    request.headerFields[.contentType] = "application/json"
    request.headerFields[.idempotencyKey] = idempotencyKey ?? RandomName.make()
    let body: JSONValue = ["tasks": .array(tasks.map(\.json))]
    let answer = try await json(request, body: body.serialized(), timeout: .seconds(60), repeats: true)
    guard let results = answer["results"]?.array, results.count == tasks.count else {
      throw SDClientError(.unexpected, "\(server) did not answer with what became of \(tasks.count) tasks")
    }
    return try results.map { try outcome(of: $0) }
  }

  private func outcome(of json: JSONValue) throws(SDClientError) -> Result<TaskView, SDClientError> {
    if let task = json["task"] { return .success(try self.task(from: task)) }
    guard let status = json["status"]?.int, let problem = json["problem"] else {
      throw SDClientError(.unexpected, "\(server) did not say what became of a task")
    }
    return .failure(SDClientError(status: status, problem, server: server))
  }
}
