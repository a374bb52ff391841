extension MetricsRegistry {
  /// The media type of ``prometheusText()``.
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// Everything measured so far, in Prometheus' text exposition format 0.0.4, the process's own figures included.
  public func prometheusText() -> String {
    let (metrics, dropped) = read()
    var text = PrometheusText()
    for (description, series) in metrics { text.add(description, series) }
    text.add("sd_metrics_dropped_total", .counter, "Series that were dropped, there being too many.", Double(dropped))
    text.add("sd_build_info", .gauge, "The version that runs.", 1, labels: [("version", Program.version)])
    for figure in ProcessFigures.now { text.add(figure.name, figure.kind, figure.help, figure.value) }
    return text.text
  }
}

/// Prometheus' text exposition format 0.0.4.
struct PrometheusText {
  private(set) var text = ""

  mutating func add(_ description: MetricDescription, _ series: [MetricSeries]) {
    head(description.name, description.kind, description.help)
    for one in series {
      let reading = one.reading
      guard description.kind == .histogram else {
        line(description.name, one.labels, reading.value)
        continue
      }
      var below: UInt64 = 0
      for (bound, count) in zip(description.buckets, reading.buckets) {
        below += count
        line(description.name + "_bucket", one.labels + [("le", Self.number(bound))], Double(below))
      }
      line(description.name + "_bucket", one.labels + [("le", "+Inf")], Double(reading.count))
      line(description.name + "_sum", one.labels, reading.value)
      line(description.name + "_count", one.labels, Double(reading.count))
    }
  }

  mutating func add(
    _ name: String, _ kind: MetricDescription.Kind, _ help: String, _ value: Double, labels: [(String, String)] = []
  ) {
    head(name, kind, help)
    line(name, labels, value)
  }

  private mutating func head(_ name: String, _ kind: MetricDescription.Kind, _ help: String) {
    if !help.isEmpty { text += "# HELP \(Self.name(name)) \(help)\n" }
    text += "# TYPE \(Self.name(name)) \(kind.rawValue)\n"
  }

  private mutating func line(_ name: String, _ labels: [(String, String)], _ value: Double) {
    text += Self.name(name)
    if !labels.isEmpty {
      text += "{" + labels.map { "\(Self.name($0.0))=\"\(Self.escaped($0.1))\"" }.joined(separator: ",") + "}"
    }
    text += " \(Self.number(value))\n"
  }

  private static func number(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { return String(whole) }
    return "\(value)"
  }

  /// A name of a library's metric may have dots or dashes, which the format has not.
  private static func name(_ name: String) -> String {
    let allowed = name.utf8.map { byte -> UInt8 in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: ":"): byte
      default: UInt8(ascii: "_")
      }
    }
    return (allowed.first.map { (0x30...0x39).contains($0) } == true ? "_" : "")
      + String(decoding: allowed, as: UTF8.self)
  }

  private static func escaped(_ value: String) -> String {
    var escaped = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
