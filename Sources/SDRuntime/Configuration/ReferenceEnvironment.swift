import SDCore

/// The environment variables of the two agents that came before this one, as our keys.
enum ReferenceEnvironment {
  static func values(in environment: [String: String]) throws(SDError) -> Configuration.Layer {
    var values: Configuration.Layer = [:]
    func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    func take(_ name: String, as key: ConfigurationKey, _ meaning: (String) -> String?) {
      guard let text = variable(name), let value = meaning(text) else { return }
      values[key] = ConfigurationValue(value, from: .variable(name))
    }
    take("SQS_QUEUE_URL", as: .queue) { $0 }
    take("S3_BUCKET", as: .store) { $0.hasPrefix("s3://") ? $0 : "s3://" + $0 }
    take("SNS_TOPIC_ARN", as: .events) { $0 }
    take("RUNTIME_NAME", as: .runtime) { $0 }
    take("SD_MODEL_CHECKPOINT", as: .model) { $0 }
    // Theirs compares with "true" and takes all else for no.
    take("DYNAMIC_SD_MODEL", as: .dynamicModel) { $0.lowercased() == "true" ? "true" : "false" }
    take("EXP_CALLBACK_WHEN_RUNNING", as: .announceStart) { $0.lowercased() == "true" ? "true" : "false" }
    take("AWS_XRAY_DAEMON_ADDRESS", as: .traces) { "xray://" + daemon($0) }
    take("DISABLE_XRAY", as: .traces) { ["", "0", "false"].contains($0.lowercased()) ? nil : "none:" }
    if let text = variable("LOGLEVEL") {
      values[.logLevel] = ConfigurationValue(try logLevel(text), from: .variable("LOGLEVEL"))
    }
    if let backend = try backend(type: variable("RUNTIME_TYPE"), base: variable("API_BASE_URL")) {
      values[.backend] = backend
    }
    return values
  }

  /// `host:port`, or what the X-Ray SDKs also take: `tcp:host:port udp:host:port`, of which spans go by the latter.
  private static func daemon(_ text: String) -> String {
    let parts = text.split(separator: " ")
    let part = parts.first { $0.hasPrefix("udp:") } ?? parts.first ?? "127.0.0.1:2000"
    return String(part.hasPrefix("udp:") || part.hasPrefix("tcp:") ? part.dropFirst(4) : part)
  }

  /// Python's names for levels.
  private static func logLevel(_ text: String) throws(SDError) -> String {
    switch text.uppercased() {
    case "TRACE": return "trace"
    case "DEBUG", "NOTSET": return "debug"
    case "INFO": return "info"
    case "NOTICE": return "notice"
    case "WARN", "WARNING": return "warning"
    case "ERROR": return "error"
    case "CRITICAL", "FATAL": return "critical"
    default:
      throw SDError(
        .configuration,
        "log-level is \(text.debugDescription) in the environment variable LOGLEVEL; it must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL"
      )
    }
  }

  private static func backend(type: String?, base: String?) throws(SDError) -> ConfigurationValue? {
    guard type != nil || base != nil else { return nil }
    let kind: String
    switch type {
    case "sdwebui", nil: kind = "webui"
    case "comfyui": kind = "comfyui"
    case let type?:
      throw SDError(
        .configuration,
        "backend is \(type.debugDescription) in the environment variable RUNTIME_TYPE; it must be sdwebui or comfyui")
    }
    var address = base ?? "http://localhost:8080"
    if !address.contains("://") { address = "http://" + address }
    while address.hasSuffix("/") { address.removeLast() }
    // The web UI's plugin knows its own paths.
    if kind == "webui", address.hasSuffix("/sdapi/v1") { address.removeLast("/sdapi/v1".count) }
    return ConfigurationValue("\(kind)+\(address)", from: .variable(base == nil ? "RUNTIME_TYPE" : "API_BASE_URL"))
  }
}
