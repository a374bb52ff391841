import SDCore

import struct FoundationEssentials.Data

/// What happens to a run, as events: `state` with the task whenever it stands differently, `progress` and `preview`
/// while it runs, `end` with the task as the last one.
///
/// A stream that ends without `end` is to be asked for again; who says which event came last is not told it anew.
package struct TaskEvents: AsyncSequence, Sendable {
  package typealias Element = ServerSentEvent
  package typealias Failure = Never

  private let updates: AsyncStream<TaskWatch.Snapshot>
  private let clocks: Clocks
  private let limit: Duration
  private let seen: String?
  private let view: @Sendable (TaskRecord) -> JSONValue
  private static let retry = 1000

  /// - Parameters:
  ///   - limit: how long the stream goes on at most; clients come again.
  ///   - seen: the id of the last event that the client has had.
  init(
    _ updates: AsyncStream<TaskWatch.Snapshot>, clocks: Clocks, limit: Duration, seen: String? = nil,
    view: @escaping @Sendable (TaskRecord) -> JSONValue
  ) {
    (self.updates, self.clocks, self.limit, self.seen, self.view) = (updates, clocks, limit, seen, view)
  }

  package func makeAsyncIterator() -> Iterator {
    Iterator(
      updates: updates.makeAsyncIterator(), clocks: clocks, end: clocks.instant.advanced(by: limit), seen: seen,
      view: view)
  }

  package struct Iterator: AsyncIteratorProtocol {
    fileprivate var updates: AsyncStream<TaskWatch.Snapshot>.Iterator
    fileprivate let clocks: Clocks
    fileprivate let end: MonotonicInstant
    fileprivate let seen: String?
    fileprivate let view: @Sendable (TaskRecord) -> JSONValue
    private var ready = [ServerSentEvent(nil, retry: TaskEvents.retry)]
    private var last: TaskWatch.Snapshot?
    private var isOver = false

    fileprivate init(
      updates: AsyncStream<TaskWatch.Snapshot>.Iterator, clocks: Clocks, end: MonotonicInstant, seen: String?,
      view: @escaping @Sendable (TaskRecord) -> JSONValue
    ) {
      (self.updates, self.clocks, self.end, self.seen, self.view) = (updates, clocks, end, seen, view)
    }

    package mutating func next() async -> ServerSentEvent? {
      await next(isolation: nil)
    }

    package mutating func next(isolation actor: isolated (any Actor)?) async -> ServerSentEvent? {
      if !ready.isEmpty { return ready.removeFirst() }
      guard !isOver, let snapshot = await updates.next(isolation: actor) else { return nil }
      ready = events(of: snapshot)
      last = snapshot
      if !isOver, clocks.instant >= end {
        ready.append(ServerSentEvent(nil, retry: TaskEvents.retry))
        isOver = true
      }
      return ready.removeFirst()
    }

    /// At least one: a comment when there is nothing new.
    private mutating func events(of snapshot: TaskWatch.Snapshot) -> [ServerSentEvent] {
      let record = snapshot.entry.record
      // A field's value without spaces, whatever the ledger's revisions look like.
      let id = "\(record.key.run)-\(snapshot.entry.revision.rawValue.replacing(" ", with: "-"))"
      if record.state(at: clocks.timestamp).isTerminal {
        isOver = true
        return [ServerSentEvent("end", data: view(record).text, id: id)]
      }
      var events: [ServerSentEvent] = []
      if last.map({ view($0.entry.record) != view(record) }) ?? (id != seen) {
        events.append(ServerSentEvent("state", data: view(record).text, id: id))
      }
      if let progress = snapshot.progress, progress != last?.progress {
        events.append(ServerSentEvent("progress", data: progress.json.text))
        if let preview = progress.preview, preview != last?.progress?.preview {
          events.append(ServerSentEvent("preview", data: Self.text(of: preview, type: progress.previewType)))
        }
      }
      return events.isEmpty ? [ServerSentEvent(nil)] : events
    }

    private static func text(of preview: [UInt8], type: String?) -> String {
      let value: JSONValue = [
        "content_type": .string(type ?? "application/octet-stream"),
        "base64": .string(Data(preview).base64EncodedString()),
      ]
      return value.text
    }
  }
}
