import FoundationEssentials
public import SDCore

extension ObjectTaskLedger {
  private struct StoredProgress: Codable {
    var fraction: Double
    var step: Int?
    var steps: Int?
    var eta: Double?
    var preview: Data?
    var previewType: String?
  }

  public func watch(_ key: RunKey, for duration: Duration) async throws {
    let until = clocks.timestamp + duration
    if let standing = try await watchedUntil(key), standing >= until { return }
    try await store.put(
      LedgerKeys(key.task).watch(key.run), Array("\(until.milliseconds)".utf8), options: .text)
  }

  public func isWatched(_ key: RunKey) async throws -> Bool {
    try await watchedUntil(key).map { $0 > clocks.timestamp } ?? false
  }

  private func watchedUntil(_ key: RunKey) async throws -> Timestamp? {
    try await object(LedgerKeys(key.task).watch(key.run), limit: 64)
      .flatMap { Int64(String(decoding: $0, as: UTF8.self)) }.map { Timestamp(milliseconds: $0) }
  }

  public func setProgress(_ progress: TaskProgress, of key: RunKey) async throws {
    let stored = StoredProgress(
      fraction: progress.fraction, step: progress.step, steps: progress.steps, eta: progress.eta,
      preview: progress.preview.map { Data($0) }, previewType: progress.previewType)
    try await store.put(
      LedgerKeys(key.task).progress(key.run), [UInt8](try JSONEncoder().encode(stored)),
      options: .init(contentType: "application/json"))
  }

  public func progress(of key: RunKey) async throws -> TaskProgress? {
    guard let bytes = try await object(LedgerKeys(key.task).progress(key.run), limit: StoredEntry.maximumBytes) else {
      return nil
    }
    // What is half understood is no progress; the next one comes within seconds.
    guard let stored = try? JSONDecoder().decode(StoredProgress.self, from: Data(bytes)) else { return nil }
    return TaskProgress(
      fraction: stored.fraction, step: stored.step, steps: stored.steps, eta: stored.eta,
      preview: stored.preview.map { [UInt8]($0) }, previewType: stored.previewType)
  }

  private func object(_ key: String, limit: Int) async throws -> [UInt8]? {
    do { return try await store.get(key, range: nil, limit: limit).bytes } catch let error as SDError
      where error.code == .notFound
    { return nil }
  }
}
