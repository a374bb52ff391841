internal import HTTPTransport
internal import HTTPTypes
public import SDCore

internal import struct FoundationEssentials.Data

/// What happens to a task.
public enum TaskEvent: Sendable, Hashable {
  /// It stands differently; the first one tells how it stands now.
  case state(TaskView)
  /// It is so far.
  case progress(TaskProgress)
  /// It looks like this so far: a small picture.
  case preview([UInt8], contentType: String)
  /// It has ended; nothing comes after this.
  case end(TaskView)
}

/// What happens to a task, as it happens, up to its end.
///
/// A connection that breaks is made anew.
public struct TaskEventSequence: AsyncSequence, Sendable {
  /// What it tells.
  public typealias Element = TaskEvent
  /// `SDClientError` or `CancellationError`.
  public typealias Failure = any Error

  let client: SDClient
  let id: String
  let run: Int?

  /// Begins to listen with the first call of `next`.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(client: client, id: id, run: run) }

  /// Listens.
  public struct AsyncIterator: AsyncIteratorProtocol {
    private let client: SDClient
    private let id: String
    private var run: Int?
    private var body: ResponseBody.AsyncIterator?
    private var parser = EventStreamParser()
    private var ready: [TaskEvent] = []
    private var last: TaskEvent?
    private var failures = 0
    private var isOver = false

    private static let tries = 8
    /// The server shows every 15 seconds that the connection lives.
    private static let silence: Duration = .seconds(60)

    init(client: SDClient, id: String, run: Int?) { (self.client, self.id, self.run) = (client, id, run) }

    /// The next event, `nil` after the end.
    ///
    /// Throws `SDClientError` when the server is away for long, or refuses.
    public mutating func next() async throws -> TaskEvent? { try await next(isolation: nil) }

    /// The next event, `nil` after the end.
    public mutating func next(isolation actor: isolated (any Actor)?) async throws -> TaskEvent? {
      while true {
        if !ready.isEmpty { return ready.removeFirst() }
        if isOver { return nil }
        do {
          try await listen()
        } catch let error as SDClientError where error.isRetryable && failures < Self.tries {
          failures += 1
          body = nil
          try await ContinuousClock().sleep(for: pause(after: error))
        }
      }
    }

    /// What the server asks for goes before our own patience, in bounds.
    private func pause(after error: SDClientError) -> Duration {
      let own = Duration.milliseconds(Swift.min(5000, 100 << failures))
      let asked = error.retryAfter ?? .milliseconds(parser.retry ?? 0)
      return Swift.min(Swift.max(own, asked), .seconds(60))
    }

    /// Reads one more chunk, over a new connection where there is none.
    private mutating func listen() async throws {
      if body == nil { try await connect() }
      do {
        guard let chunk = try await body?.next() else {
          // The server ends long streams so that its clients come again.
          body = nil
          throw TransportError(.connectionLost, "the stream of events ended")
        }
        guard let events = parser.feed(chunk) else {
          throw TransportError(.tooLarge, "an event of more than \(EventStreamParser.maximumBytes) bytes")
        }
        for event in events { try take(event) }
      } catch let error as TransportError { throw SDClientError.failure(error, client.server) }
    }

    private mutating func connect() async throws {
      parser.restart()
      var request = try client.request(
        .get, client.path(of: id) + "/events" + client.query([("run", run.map { "\($0)" })]))
      request.headerFields[.accept] = "text/event-stream"
      request.headerFields[.lastEventID] = parser.lastID
      var options = TransferOptions()
      options.firstByteTimeout = Self.silence
      do {
        let response = try await client.transport.execute(request, body: .none, options: options)
        guard response.head.status == .ok else {
          let text = try await response.body.collect(upTo: 1 << 20)
          throw SDClientError(response.head, body: text, server: client.server)
        }
        body = response.body.makeAsyncIterator()
      } catch let error as TransportError { throw SDClientError.failure(error, client.server) }
    }

    /// Takes what it knows and passes over what it does not; how a task stands must be understood, or it would be waited for
    /// without end.
    private mutating func take(_ raw: EventStreamParser.Event) throws {
      guard let json = try? JSONValue(parsing: raw.data), let event = Self.event(raw.name, json) else {
        guard raw.name != "state", raw.name != "end" else {
          throw SDClientError(
            .unexpected, "\(client.server) tells how task \(id) stands in a way that this version does not understand")
        }
        return
      }
      failures = 0
      // After a new connection the server tells anew how things stand.
      guard event != last else { return }
      last = event
      switch event {
      case .state(let task): run = task.run
      case .end: isOver = true
      case .progress, .preview: break
      }
      ready.append(event)
    }

    private static func event(_ name: String, _ json: JSONValue) -> TaskEvent? {
      switch name {
      case "state": (try? TaskView(json: json)).map(TaskEvent.state)
      case "end": (try? TaskView(json: json)).map(TaskEvent.end)
      case "progress": TaskProgress(json: json).map(TaskEvent.progress)
      case "preview":
        json["base64"]?.string.flatMap { Data(base64Encoded: $0) }.map {
          .preview(Array($0), contentType: json["content_type"]?.string ?? "application/octet-stream")
        }
      default: nil
      }
    }
  }
}

extension SDClient {
  /// What happens to a task from now on, up to its end; of its newest run unless one is named.
  public func events(_ id: String, run: Int? = nil) -> TaskEventSequence {
    TaskEventSequence(client: self, id: id, run: run)
  }

  /// Waits for a task's end and answers the task, however it ended.
  public func wait(_ id: String, run: Int? = nil) async throws -> TaskView {
    for try await event in events(id, run: run) {
      if case .end(let task) = event { return task }
    }
    return try await task(id, run: run)
  }
}
