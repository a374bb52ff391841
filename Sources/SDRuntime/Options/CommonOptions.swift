import ArgumentParser

/// Flags that every program has.
public struct CommonOptions: ConfigurationOptions {
  @Option(
    help: "A YAML file with keys named like these flags (default: the path in SD_CONFIG).", completion: .file(),
    transform: { $0 })
  var config: String?
  @Option(.state) var state: String?
  @Option(.runtimes) var runtimes: String?
  @Option(.traces) var traces: String?
  @Option(.logLevel) var logLevel: String?
  @Option(.logFormat) var logFormat: String?
  @Option(.bucket) var bucket: String?
  @Flag(.relaxed) var relaxed: Bool?

  public init() {}

  /// The configuration file.
  public var file: String? { config }

  public var flags: [ConfigurationKey: String] {
    said(
      [
        .state: state, .runtimes: runtimes, .traces: traces, .logLevel: logLevel, .logFormat: logFormat,
        .bucket: bucket,
      ], [.relaxed: relaxed])
  }
}

/// Where the parts of a deployment are, for programs that work on them.
public struct PlacesOptions: ConfigurationOptions {
  @Option(.store) var store: String?
  @Option(.ledger) var ledger: String?
  @Option(.events) var events: String?

  public init() {}

  public var flags: [ConfigurationKey: String] { said([.store: store, .ledger: ledger, .events: events]) }
}

/// The engine.
public struct EngineOptions: ConfigurationOptions {
  @Option(.backend) var backend: String?
  @Option(.backendKey) var backendAPIKey: String?
  @Option(.inputHosts) var inputHosts: String?

  public init() {}

  public var flags: [ConfigurationKey: String] {
    said([.backend: backend, .backendKey: backendAPIKey, .inputHosts: inputHosts])
  }
}

/// Where a program listens.
public struct ListenOptions: ConfigurationOptions {
  @Option(.host) var host: String?
  @Option(.port) var port: String?
  @Option(.publicURL) var publicURL: String?
  @Option(.allowedHosts) var allowedHosts: String?
  @Option(.proxies) var proxies: String?
  @Flag(.dashboard) var dashboard: Bool?

  public init() {}

  public var flags: [ConfigurationKey: String] {
    said(
      [.host: host, .port: port, .publicURL: publicURL, .allowedHosts: allowedHosts, .proxies: proxies],
      [.dashboard: dashboard])
  }
}

/// Whom a door lets in, and what it tells whom.
public struct AccessOptions: ConfigurationOptions {
  @Option(.apiKeys) var apiKeys: String?
  @Option(.queueLimit) var queueLimit: String?
  @Option(.webhooks) var webhooks: String?
  @Option(.webhookSecret) var webhookSecret: String?
  @Flag(.privateWebhooks) var privateWebhooks: Bool?

  public init() {}

  public var flags: [ConfigurationKey: String] {
    said(
      [.apiKeys: apiKeys, .queueLimit: queueLimit, .webhooks: webhooks, .webhookSecret: webhookSecret],
      [.privateWebhooks: privateWebhooks])
  }
}

/// What a door publishes to.
public struct DoorOptions: ConfigurationOptions {
  @Option(.topic) var topic: String?

  public init() {}

  public var flags: [ConfigurationKey: String] { said([.topic: topic]) }
}
