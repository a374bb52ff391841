/// Tells of runs that have ended: the `.out` object beside the images, then the notice.
///
/// Both are the same however often it is done and whoever does it, so that each may be done again.
public struct Announcer: Sendable {
  private let store: any ObjectStore
  private let events: any EventTopic

  /// An announcer of runs whose objects are in a store.
  public init(store: any ObjectStore, events: any EventTopic) { (self.store, self.events) = (store, events) }

  /// Tells of a run that has ended; nothing where it was told already.
  ///
  /// - Parameter result: the engine's, where it is at hand.
  public func announce(_ record: TaskRecord, result: InferenceResult? = nil) async throws {
    guard !record.announced, let notice = record.notice else { return }
    try await storeAnswer(record, result)
    try await events.publish(notice.publication)
  }

  private func storeAnswer(_ record: TaskRecord, _ result: InferenceResult?) async throws {
    let known = if let result { result } else { try await recalled(record) }
    let answer = Notices(record, store: store).answer(known)
    do {
      try await store.put(
        record.names.answer, .bytes(answer[...]),
        options: .init(contentType: "application/json", condition: result == nil ? .ifAbsent : .none))
    } catch let error as SDError where error.code == .conflict {}
  }

  /// What of an engine's answer goes into the `.out` object, as the run's manifest has it, which was stored before the
  /// commit; `nil` where there is none that can be read.
  private func recalled(_ record: TaskRecord) async throws -> InferenceResult? {
    guard record.state == .succeeded else { return nil }
    do {
      return Manifest.echo(in: try JSONValue(parsing: try await store.get(record.names.manifest).bytes))
    } catch let error as SDError where error.isRetryable {
      throw error
    } catch {
      return nil
    }
  }
}
