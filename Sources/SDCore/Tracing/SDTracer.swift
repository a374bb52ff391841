public import Tracing

/// The tracer of this system: spans that end go to a `SpanBatcher`, contexts travel as W3C and X-Ray have it.
///
/// A trace that comes from elsewhere is recorded if its sender said so; one that begins here, or whose sender left it
/// open, is by `samplingRate`, decided on the id's last seven bytes, so that every process decides alike. Without a
/// batcher nothing is recorded, and contexts still travel through.
///
/// A `DefaultTracerClock` instant read in the call itself, which is what the default arguments do, means "now" and is
/// replaced by the tracer's own clocks: durations are then monotonic. Any other instant counts as it is.
public struct SDTracer: Tracer {
  /// What the spans say made them.
  public let service: String
  private let batcher: SpanBatcher?
  private let threshold: UInt64
  private let time: SpanTime

  /// A tracer for a program.
  ///
  /// - Parameters:
  ///   - service: the program's name (`sd-agent`).
  ///   - batcher: what takes the spans; run it as a service.
  ///   - samplingRate: the share of new traces that are recorded, 0 to 1.
  public init(service: String, batcher: SpanBatcher?, samplingRate: Double = 1, clocks: Clocks = .system) {
    self.service = service
    self.batcher = batcher
    let rate = samplingRate.isNaN ? 0 : min(max(samplingRate, 0), 1)
    threshold = UInt64(rate * Double(1 << 56 as UInt64))
    time = SpanTime(clocks)
  }

  public func startSpan<Instant: TracerInstant>(
    _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
    at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
  ) -> SDSpan {
    var context = context()
    let parent = context.trace
    guard let batcher else { return SDSpan(unrecorded: operationName, context: context) }
    let trace = parent?.traceID ?? TraceID.make(at: time.clocks.timestamp)
    guard parent?.isSampled ?? isSampled(trace) else {
      // Those further on are told the decision; an id of a span that nobody records would be of no use to them.
      if parent == nil {
        context.trace = TraceContext(traceID: trace, spanID: .make(), isSampled: false)
      } else {
        context.trace?.isSampled = false
      }
      return SDSpan(unrecorded: operationName, context: context)
    }
    let own = TraceContext(traceID: trace, spanID: .make(), isSampled: true, state: parent?.state)
    context.trace = own
    return SDSpan(
      operationName, kind: kind, service: service, context: context, own: own, parent: parent, time: time,
      start: time.read(instant), batcher: batcher)
  }

  private func isSampled(_ trace: TraceID) -> Bool {
    UInt64(truncatingIfNeeded: trace.value) & (1 << 56 - 1) < threshold
  }

  /// Does nothing: `SpanBatcher.flush()` waits, which this call cannot.
  public func forceFlush() {}
}

/// Reads instants for spans.
struct SpanTime: Sendable {
  let clocks: Clocks
  private let isSystem: Bool

  init(_ clocks: Clocks) {
    self.clocks = clocks
    isSystem = clocks.wall is SystemWallClock
  }

  /// A point in time, on both clocks where it is the present.
  struct Reading: Sendable {
    var nanoseconds: UInt64
    var monotonic: MonotonicInstant?
  }

  /// What an argument of the tracing API stands for.
  func read<Instant: TracerInstant>(_ instant: () -> Instant) -> Reading {
    let before = DefaultTracerClock.now
    let given = instant()
    guard let read = given as? DefaultTracerClock.Timestamp, (before...max(before, DefaultTracerClock.now)) ~= read
    else { return Reading(nanoseconds: given.nanosecondsSinceEpoch) }
    let nanoseconds =
      isSystem ? read.nanosecondsSinceEpoch : UInt64(clamping: clocks.timestamp.milliseconds) &* 1_000_000
    return Reading(nanoseconds: nanoseconds, monotonic: clocks.instant)
  }

  /// When something ended: the start and what the monotonic clock measured, where both ends were read on it.
  static func end(_ end: Reading, of start: Reading) -> UInt64 {
    guard let from = start.monotonic, let to = end.monotonic else { return max(start.nanoseconds, end.nanoseconds) }
    let elapsed = from.duration(to: to).components
    guard elapsed.seconds >= 0, elapsed.attoseconds >= 0 else { return start.nanoseconds }
    let nanoseconds = UInt64(elapsed.seconds) &* 1_000_000_000 &+ UInt64(elapsed.attoseconds / 1_000_000_000)
    return start.nanoseconds &+ nanoseconds
  }
}
