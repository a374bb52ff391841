import Synchronization
public import Tracing

/// A span of `SDTracer`. It may be told things from any thread; what comes after its end is passed over.
///
/// Its size is bounded (`SpanLimits`): what does not fit is counted and left out.
public final class SDSpan: Tracing.Span {
  private struct State {
    var name: String
    var attributes: SpanAttributes = [:]
    var status: SpanStatus?
    var events: [FinishedSpan.Event] = []
    var links: [FinishedSpan.Link] = []
    var dropped = 0
    var hasEnded = false

    mutating func add(_ event: String, at nanoseconds: UInt64, _ attributes: SpanAttributes) {
      guard events.count < SpanLimits.events else { return dropped += 1 }
      let (values, left) = SpanLimits.values(attributes, at: SpanLimits.innerAttributes)
      events.append(
        .init(name: event.truncated(toUTF8: SpanLimits.name), nanoseconds: nanoseconds, attributes: values))
      dropped += left
    }
  }

  /// What a recorded span has from its beginning.
  private struct Origin {
    var own: TraceContext
    var parent: TraceContext?
    var kind: SpanKind
    var service: String
    var time: SpanTime
    var start: SpanTime.Reading
    var batcher: SpanBatcher
  }

  /// What is handed on to the span's children.
  public let context: ServiceContext
  private let origin: Origin?
  private let state: Mutex<State>

  init(
    _ name: String, kind: SpanKind, service: String, context: ServiceContext, own: TraceContext,
    parent: TraceContext?, time: SpanTime, start: SpanTime.Reading, batcher: SpanBatcher
  ) {
    self.context = context
    origin = Origin(
      own: own, parent: parent, kind: kind, service: service, time: time, start: start, batcher: batcher)
    state = Mutex(State(name: name))
  }

  init(unrecorded name: String, context: ServiceContext) {
    self.context = context
    origin = nil
    state = Mutex(State(name: name))
  }

  public var isRecording: Bool { origin != nil && state.withLock { !$0.hasEnded } }

  public var operationName: String {
    get { state.withLock { $0.name } }
    set { change { $0.name = newValue } }
  }

  /// Each reading and each setting is whole; changing one attribute is both, so that two threads which change
  /// attributes of one span at once may undo one another.
  public var attributes: SpanAttributes {
    get { state.withLock { $0.attributes } }
    set { change { $0.attributes = newValue } }
  }

  public func setStatus(_ status: SpanStatus) {
    // What was said to be well stays so (OpenTelemetry, "Set Status").
    change { if $0.status?.code != .ok { $0.status = status } }
  }

  public func addEvent(_ event: SpanEvent) {
    change { $0.add(event.name, at: event.nanosecondsSinceEpoch, event.attributes) }
  }

  public func recordError<Instant: TracerInstant>(
    _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
  ) {
    guard let origin else { return }
    let now = SpanTime.end(origin.time.read(instant), of: origin.start)
    var attributes = attributes
    attributes["exception.type"] = String(describing: type(of: error))
    attributes["exception.message"] = "\(error)"
    change { $0.add("exception", at: now, attributes) }
  }

  public func addLink(_ link: SpanLink) {
    guard let other = link.context.trace, let span = other.spanID else { return }
    change {
      guard $0.links.count < SpanLimits.links else { return $0.dropped += 1 }
      let (attributes, dropped) = SpanLimits.values(link.attributes, at: SpanLimits.innerAttributes)
      $0.links.append(.init(traceID: other.traceID, spanID: span, attributes: attributes))
      $0.dropped += dropped
    }
  }

  public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
    guard let origin else { return }
    let end = SpanTime.end(origin.time.read(instant), of: origin.start)
    let last: State? = state.withLock { state in
      guard !state.hasEnded else { return nil }
      state.hasEnded = true
      return state
    }
    guard let last else { return }
    var span = FinishedSpan(
      traceID: origin.own.traceID, spanID: origin.own.spanID ?? .make(), parentID: origin.parent?.spanID,
      service: origin.service, name: last.name.truncated(toUTF8: SpanLimits.name),
      startNanoseconds: origin.start.nanoseconds, endNanoseconds: end)
    span.hasRemoteParent = origin.parent?.isRemote ?? false
    span.state = origin.own.state
    span.kind = .init(origin.kind)
    span.status = .init(last.status)
    let (attributes, dropped) = SpanLimits.values(last.attributes, at: SpanLimits.attributes)
    span.attributes = attributes
    span.events = last.events
    span.links = last.links
    span.droppedCount = last.dropped + dropped
    SpanLimits.fit(&span)
    origin.batcher.add(span)
  }

  private func change(_ body: (inout State) -> Void) {
    guard origin != nil else { return }
    state.withLock { state in
      if !state.hasEnded { body(&state) }
    }
  }
}

extension FinishedSpan.Kind {
  fileprivate init(_ kind: SpanKind) {
    self =
      switch kind {
      case .server: .server
      case .client: .client
      case .producer: .producer
      case .consumer: .consumer
      case .internal: .internal
      }
  }
}

extension FinishedSpan.Status {
  fileprivate init(_ status: SpanStatus?) {
    self =
      switch status?.code {
      case nil: .unset
      case .ok: .ok
      case .error: .error(status?.message?.truncated(toUTF8: SpanLimits.text))
      }
  }
}
