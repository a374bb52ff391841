import Metrics
import Synchronization

/// One time series: what a metric's name and labels stand for.
///
/// It is every kind of handler at once, since the metrics API makes handlers by kind and we keep them by name.
final class MetricSeries: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
  /// What was measured so far.
  struct Reading: Sendable {
    /// The sum, or a gauge's value.
    var value = 0.0
    var count: UInt64 = 0
    /// Observations a bucket, the last one being above every bound.
    var buckets: [UInt64]
  }

  let labels: [(String, String)]
  private let bounds: [Double]
  private let isGauge: Bool
  private let state: Mutex<Reading>

  init(labels: [(String, String)], bounds: [Double], isGauge: Bool) {
    (self.labels, self.bounds, self.isGauge) = (labels, bounds, isGauge)
    state = Mutex(Reading(buckets: bounds.isEmpty ? [] : [UInt64](repeating: 0, count: bounds.count + 1)))
  }

  var reading: Reading { state.withLock { $0 } }

  // MARK: Counters

  func increment(by amount: Int64) { add(Double(amount)) }
  func increment(by amount: Double) { add(amount) }
  func decrement(by amount: Double) { add(-amount) }
  func reset() { state.withLock { $0 = Reading(buckets: $0.buckets.map { _ in 0 }) } }

  private func add(_ amount: Double) {
    guard amount.isFinite else { return }
    state.withLock { $0.value += amount }
  }

  // MARK: Gauges

  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { state.withLock { $0.value = value } }

  // MARK: Histograms

  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    guard value.isFinite else { return }
    if isGauge { return set(value) }
    state.withLock { reading in
      reading.value += value
      reading.count += 1
      guard !bounds.isEmpty else { return }
      reading.buckets[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    }
  }

  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
  func preferDisplayUnit(_ unit: TimeUnit) {}
}
