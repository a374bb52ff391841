import ArgumentParser

/// Which queue an operator means: that of a runtime, or one by its address.
public struct QueueOptions: ConfigurationOptions {
  @Option(
    help: "A YAML file with keys named like these flags (default: the path in SD_CONFIG).", completion: .file(),
    transform: { $0 })
  var config: String?
  @Option(.state) var state: String?
  @Option(.runtime) var runtime: String?
  @Option(.queue) var queue: String?
  @Option(.deadLetter) var deadLetter: String?
  @Option(.topic) var topic: String?
  @Option(.runtimes) var runtimes: String?

  public init() {}

  /// The configuration file.
  public var file: String? { config }

  public var flags: [ConfigurationKey: String] {
    said([
      .state: state, .runtime: runtime, .queue: queue, .deadLetter: deadLetter, .topic: topic, .runtimes: runtimes,
    ])
  }
}
