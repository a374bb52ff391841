/// Does something for a bounded time: it is cancelled after `limit`, and `.timeout` is thrown.
func limited<Value: Sendable>(
  to limit: Duration, _ what: String, clocks: Clocks, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await clocks.sleep(for: limit)
      throw SDError(.timeout, "\(what) took longer than \(limit.text)")
    }
    defer { group.cancelAll() }
    guard let value = try await group.next() else { throw CancellationError() }
    return value
  }
}

/// Does clean-up work that a cancelled task must still do, for a bounded time. It is an unstructured task for that reason
/// alone, and is awaited.
func shielded(
  limit: Duration, clocks: Clocks, _ body: @escaping @Sendable () async throws -> Void
) async {
  await Task { try? await limited(to: limit, "cleaning up", clocks: clocks, body) }.value
}

extension Duration {
  /// For messages: `90 s`, `1.5 s`.
  var text: String {
    let value = seconds
    return value == value.rounded() ? "\(Int(value)) s" : "\(value) s"
  }
}
