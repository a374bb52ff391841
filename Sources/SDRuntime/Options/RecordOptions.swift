import ArgumentParser

/// Where tasks are recorded, and where their ends are announced.
public struct RecordOptions: ConfigurationOptions {
  @Option(.store) var store: String?
  @Option(.ledger) var ledger: String?
  @Option(.events) var events: String?

  public init() {}

  public var flags: [ConfigurationKey: String] { said([.store: store, .ledger: ledger, .events: events]) }
}
