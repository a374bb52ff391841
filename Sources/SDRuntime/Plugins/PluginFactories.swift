import SDCore

/// What makes the plugins of one role, by the scheme of their URI.
public struct PluginFactories<Plugin>: Sendable {
  /// Makes a plugin from its address.
  public typealias Factory = @Sendable (PluginURI, PluginContext) async throws -> Plugin

  /// The key that holds the addresses.
  public let key: ConfigurationKey
  private var entries: [String: (usage: String, make: Factory)] = [:]

  /// No factories yet, for the addresses of a key.
  public init(for key: ConfigurationKey) { self.key = key }

  /// Has the factory make the plugins of a scheme, in place of the one that did so far.
  ///
  /// - Parameter usage: what addresses look like, for error messages: `file:DIR?queue=NAME`.
  public mutating func register(_ scheme: String, usage: String, make: @escaping Factory) {
    entries[scheme.lowercased()] = (usage, make)
  }

  /// The schemes that there are, in order.
  public var schemes: [String] { entries.keys.sorted() }
  /// What addresses look like, in order of their schemes.
  public var usages: [String] { entries.sorted { $0.key < $1.key }.map(\.value.usage) }

  /// The plugin of an address.
  ///
  /// Throws `.configuration` with the key, the address without its secrets, and the schemes there are when there is no such
  /// scheme; and what the factory throws.
  public func make(_ value: ConfigurationValue, in context: PluginContext) async throws -> Plugin {
    guard let uri = PluginURI(value.text), let entry = entries[uri.scheme] else {
      let known = schemes.map { $0 + ":" }.joined(separator: ", ")
      throw SDError(
        .configuration,
        "\(key.name) is \(Redaction.redacted(value.text).debugDescription) in \(value.source): no plugin has that scheme; there are \(known)"
      )
    }
    do {
      return try await entry.make(uri, context)
    } catch let error as SDError where error.code == .configuration {
      throw SDError(
        .configuration, "\(key.name) is \(uri) in \(value.source): \(error.message)", underlying: error.underlying)
    }
  }
}
