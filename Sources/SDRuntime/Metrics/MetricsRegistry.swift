public import Metrics
import Synchronization

/// Where what is measured is kept until somebody reads it: a backend of the metrics API with Prometheus' text as its face.
///
/// Bounded: past ``maximumSeries`` new combinations of labels are dropped, and the drop is counted, so that labels from
/// the wire cannot fill the memory. A metric that is in no catalog is kept as a gauge or counter without a help text.
public final class MetricsRegistry: MetricsFactory {
  static let maximumSeries = 4096

  private struct Key: Hashable {
    var name: String
    var labels: [String]
  }

  private struct State {
    var series: [String: [MetricSeries]] = [:]
    var byKey: [Key: MetricSeries] = [:]
    var kinds: [String: MetricDescription.Kind] = [:]
    var dropped: UInt64 = 0
  }

  private let state = Mutex(State())

  /// An empty registry.
  public init() {}

  /// Every series by metric name, and how many were dropped.
  func read() -> (metrics: [(description: MetricDescription, series: [MetricSeries])], dropped: UInt64) {
    state.withLock { state in
      let known = MetricDescription.all.compactMap { description in
        state.series[description.name].map { (description, $0) }
      }
      let others = state.series.keys.filter { MetricDescription.byName[$0] == nil }.sorted().map { name in
        (MetricDescription(name: name, kind: state.kinds[name] ?? .gauge, help: ""), state.series[name] ?? [])
      }
      return (known + others, state.dropped)
    }
  }

  private func series(_ name: String, _ labels: [(String, String)], kind: MetricDescription.Kind) -> MetricSeries {
    let labels = labels.sorted { $0.0 < $1.0 }
    let key = Key(name: name, labels: labels.flatMap { [$0.0, $0.1] })
    return state.withLock { state in
      if let known = state.byKey[key] { return known }
      let description = MetricDescription.byName[name]
      let series = MetricSeries(
        labels: labels, bounds: description?.buckets ?? [], isGauge: (description?.kind ?? kind) == .gauge)
      guard state.byKey.count < Self.maximumSeries else {
        state.dropped += 1
        return series
      }
      state.byKey[key] = series
      state.series[name, default: []].append(series)
      state.kinds[name] = kind
      return series
    }
  }

  // MARK: The metrics API

  public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    series(label, dimensions, kind: .counter)
  }
  public func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler
  {
    series(label, dimensions, kind: .counter)
  }
  public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    series(label, dimensions, kind: .gauge)
  }
  public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    series(label, dimensions, kind: aggregate ? .histogram : .gauge)
  }
  public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    series(label, dimensions, kind: .histogram)
  }

  // A series lives as long as the process: what counted it may be gone when it is read.
  public func destroyCounter(_ handler: any CounterHandler) {}
  public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
  public func destroyMeter(_ handler: any MeterHandler) {}
  public func destroyRecorder(_ handler: any RecorderHandler) {}
  public func destroyTimer(_ handler: any TimerHandler) {}
}
