import Glibc

/// Prints figures with their targets, and remembers whether one was missed.
public struct Report {
  /// Whether a target was missed.
  public private(set) var isMissed = false

  /// A report without figures.
  public init() {}

  /// A figure that must be as large as its target.
  public mutating func line(_ what: String, _ value: Double, atLeast target: Double) {
    if value < target { isMissed = true }
    say("\(what): \(short(value)) (target \(short(target)) at least\(value < target ? ", MISSED" : ""))")
  }

  /// A figure that must be no larger than its target.
  public mutating func line(_ what: String, _ value: Double, atMost target: Double) {
    if value > target { isMissed = true }
    say("\(what): \(short(value)) (target \(short(target)) at most\(value > target ? ", MISSED" : ""))")
  }
}

/// Prints a line at once, also into a file.
public func say(_ line: String) {
  print(line)
  fflush(nil)
}

/// A figure with as many digits as tell something.
public func short(_ value: Double) -> String {
  abs(value) >= 100 || value == value.rounded() ? whole(value) : hundredths(value)
}

/// A figure without fraction.
public func whole(_ value: Double) -> String { value.isFinite ? "\(Int(value.rounded()))" : "\(value)" }
/// A figure with two digits of fraction.
public func hundredths(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }

extension [Double] {
  /// The middle one of the values; 0 of none.
  public var median: Double { isEmpty ? 0 : sorted()[count / 2] }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

/// What this process has used of the processors, in seconds.
public enum ProcessorTime {
  /// In user and system mode, all threads together.
  public static var used: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.processorSeconds
  }
}

extension rusage {
  var processorSeconds: Double {
    [ru_utime, ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
  }
}
