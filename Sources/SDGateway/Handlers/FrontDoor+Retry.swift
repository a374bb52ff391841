import HTTPTypes
import SDCore
import Tracing

extension FrontDoor {
  /// `POST /v1/tasks/{id}/retry`: the next run of a task that failed, expired or was cancelled.
  ///
  /// `?run=N` names the run that is to be followed, and makes a repeat harmless.
  func retry(_ id: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let entry = try await find(id, request)
    var context = ServiceContext.topLevel
    context.trace = TraceContext { name in HTTPField.Name(name).flatMap { request.headers[$0] } }
    let outcome = try await withSpan("retry", context: context, ofKind: .server) { span in
      span.attributes["task"] = id
      return try await services.submissions.retry(
        entry, for: request.caller.submitter, trace: TraceContext.current?.messageAttributes ?? [:]
      ) { try await checkDepth(of: $0, for: request.caller) }
    }
    switch outcome {
    case .created(let run):
      if let runtime = run.record.runtime { depths.add(for: runtime) }
      return .json(.created, view(run.record).json, headers: [.location: "/v1/tasks/\(id)?run=\(run.record.key.run)"])
    case .known(let run): return .json(.ok, view(run.record).json)
    case .taken(let rival): throw refusal(of: entry, rival)
    }
  }

  private func refusal(of entry: LedgerEntry, _ rival: LedgerEntry) -> Problem {
    let run = entry.record.key.run
    guard rival.record.key.run == run else {
      return Problem(.conflict, "run \(run) is followed by run \(rival.record.key.run) already")
    }
    return Problem(
      .conflict,
      view(entry.record).state == .succeeded
        ? "run \(run) has succeeded: only what failed, expired or was cancelled is run again"
        : "run \(run) has not ended: it is \(view(entry.record).state.rawValue)")
  }
}
