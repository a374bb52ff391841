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

  /// An answer that is there was made when the engine's was at hand; what a later delivery knows is less.
  private func storeAnswer(_ record: TaskRecord, _ result: InferenceResult?) async throws {
    let answer = Notices(record, store: store).answer(result)
    do {
      try await store.put(
        record.names.answer, .bytes(answer[...]),
        options: .init(contentType: "application/json", condition: result == nil ? .ifAbsent : .none))
    } catch let error as SDError where error.code == .conflict {}
  }
}
