import Hummingbird
public import Logging
import NIOCore
public import SDCore
public import ServiceLifecycle

/// The HTTP face of the system: the task APIs on a socket.
///
/// Runs until graceful shutdown: then it takes no more connections, ends the event streams (their clients come again),
/// answers whoever waits for a task with how it stands, and returns once every answer is out.
public struct Gateway: Service {
  private let configuration: GatewayConfiguration
  private let door: FrontDoor
  private let logger: Logger
  private let onReady: @Sendable (Int) -> Void

  /// A gateway; nothing is listened on before `run`.
  ///
  /// - Parameter onReady: called with the port once connections are taken.
  public init(
    configuration: GatewayConfiguration, services: GatewayServices, logger: Logger,
    onReady: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.configuration = configuration
    door = FrontDoor(configuration: configuration, services: services, logger: logger)
    self.logger = logger
    self.onReady = onReady
  }

  /// Serves.
  ///
  /// Throws `SDError` with `.configuration` when the address cannot be listened on.
  public func run() async throws {
    let door = door
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        await withGracefulShutdownHandler {
          await door.watch.run()
        } onGracefulShutdown: {
          door.watch.stop()
        }
      }
      defer {
        door.watch.stop()
        group.cancelAll()
      }
      try await serve()
    }
  }

  private func serve() async throws {
    let onReady = onReady
    let application = Application(
      responder: HummingbirdAdapter(door: door, limit: configuration.maximumBodyBytes),
      server: .http1(
        configuration: .init(
          idleTimeout: .seconds(60),
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))),
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port), serverName: nil),
      onServerRunning: { channel in onReady(channel.localAddress?.port ?? 0) },
      logger: logger)
    do { try await application.run() } catch let error as IOError {
      throw SDError(
        .configuration, "listening on \(configuration.host):\(configuration.port) failed: \(error)", underlying: error)
    }
  }
}
