import Foundation
import OTLPPlugin
import SDCore

extension PluginRegistry {
  mutating func registerOTLP() {
    for scheme in ["otlp+http", "otlp+https"] {
      traces.register(scheme, usage: "\(scheme)://HOST:4318") { uri, context in
        guard let base = uri.serverURL, uri.authority?.isEmpty == false else {
          throw SDError(.configuration, "it must name a collector, as in \(scheme)://HOST:4318")
        }
        let environment = ProcessInfo.processInfo.environment
        return try OTLPSpanExporter(
          .init(
            base: base, headers: try Self.pairs("OTEL_EXPORTER_OTLP_HEADERS", environment),
            resource: try Self.pairs("OTEL_RESOURCE_ATTRIBUTES", environment)),
          transport: context.transport)
      }
    }
  }

  /// `name=value,name=value`, values percent-encoded, as OpenTelemetry's variables have it.
  private static func pairs(_ variable: String, _ environment: [String: String]) throws(SDError) -> [String: String] {
    var pairs: [String: String] = [:]
    for text in (environment[variable] ?? "").split(separator: ",") {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let value = String(parts[1]).removingPercentEncoding else {
        throw SDError(.configuration, "the environment variable \(variable) is not name=value,name=value")
      }
      pairs[parts[0].trimmingCharacters(in: .whitespaces)] = value.trimmingCharacters(in: .whitespaces)
    }
    return pairs
  }
}
