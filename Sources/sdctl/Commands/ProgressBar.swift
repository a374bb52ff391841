/// A bar of twenty places, and the percentage.
enum ProgressBar {
  static func text(_ fraction: Double) -> String {
    let fraction = fraction.isFinite ? min(max(fraction, 0), 1) : 0
    let done = Int((fraction * 20).rounded())
    let percent = "\(Int((fraction * 100).rounded()))%"
    return "[" + String(repeating: "=", count: done) + String(repeating: " ", count: 20 - done) + "] "
      + String(repeating: " ", count: 4 - percent.count) + percent
  }
}
