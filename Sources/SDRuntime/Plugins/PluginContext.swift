public import AWSKit
public import HTTPTransport
import LocalPlugins
public import Logging
import MemoryPlugins
public import SDCore
import Synchronization

/// What factories share: one transport, one client of AWS with one memory of credentials, one database a directory, one
/// memory system a name, the clocks and the logger.
public final class PluginContext: Sendable {
  /// What carries HTTP.
  public let transport: any Transport
  /// What time it is.
  public let clocks: Clocks
  /// Where plugins log to.
  public let logger: Logger
  /// All that was configured, for what an address does not say.
  public let configuration: Configuration
  private let held = Mutex<[String: LocalDatabase]>([:])
  private let client = Mutex<AWSClient?>(nil)
  /// Whether the transport is one that a program brought.
  private let isOwnTransport: Bool

  /// What factories share.
  public init(
    configuration: Configuration, transport: (any Transport)? = nil, clocks: Clocks = .system,
    logger: Logger = Logger(label: "sd")
  ) {
    self.configuration = configuration
    self.transport = transport ?? CurlTransport.shared
    isOwnTransport = transport != nil
    self.clocks = clocks
    self.logger = logger
  }

  /// The database of a directory: the same for every role, kept open as long as the context.
  func database(of uri: PluginURI) throws -> LocalDatabase {
    guard let directory = uri.directory else {
      throw SDError(.configuration, "it must name a directory, as in file:DIR")
    }
    let durability: LocalDatabase.Durability = configuration.boolean(.relaxed) == true ? .relaxed : .durable
    let database = try LocalDatabase.open(directory, durability: durability, clocks: clocks, logger: logger)
    held.withLock { $0[database.directory] = database }
    return database
  }

  /// The client of AWS, set up as the AWS CLI would be: from variables, shared files, and whatever gives credentials here.
  public func aws() throws -> AWSClient {
    try client.withLock { client in
      if let client { return client }
      do throws(AWSError) {
        var loaded = try AWSClient.load(transport: isOwnTransport ? transport : nil)
        loaded.logger = logger
        client = loaded
        return loaded
      } catch {
        throw SDError(.configuration, "setting up AWS: \(error.message)", underlying: error)
      }
    }
  }

  /// The notices of the EC2 instance, asked by the settings of the AWS client.
  func spotNotices(withRebalances: Bool) throws -> SpotNotices {
    let client = try aws()
    let metadata = InstanceMetadata(client.configuration, transport: client.transport)
    return SpotNotices(metadata, withRebalances: withRebalances)
  }

  /// What clients put before the gateway's paths, where it is known before it listens.
  var publicURL: String? {
    let listening = Listening(configuration)
    guard configuration[.publicURL] != nil || (configuration[.port] != nil && listening.port != 0) else { return nil }
    return listening.address(port: listening.port)
  }

  /// The memory system of an address, the same for every role.
  func memory(of uri: PluginURI, name: String? = nil) -> MemorySystem {
    let name = name ?? uri.path
    return MemorySystem.named(name.isEmpty ? "memory" : name)
  }
}
