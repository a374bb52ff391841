public import HTTPTransport
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import SDCore
public import ServiceLifecycle

/// The HTTP face of the system: the task APIs on a socket, and what runs besides: webhooks, expiry, the sweep of letters.
///
/// Runs until graceful shutdown: then it takes no more connections, ends the event streams (their clients come again),
/// answers whoever waits for a task with how it stands, and returns once every answer is out.
public struct Gateway: Service {
  private let configuration: GatewayConfiguration
  private let door: FrontDoor
  private let logger: Logger
  private let services: [any Service]
  private let onReady: @Sendable (Int) -> Void

  /// A gateway; nothing is listened on before `run`.
  ///
  /// - Parameters:
  ///   - transport: what carries the calls of webhooks.
  ///   - onReady: called with the port once connections are taken.
  public init(
    configuration: GatewayConfiguration, services: GatewayServices, transport: any Transport = CurlTransport.shared,
    logger: Logger, onReady: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.configuration = configuration
    let door = FrontDoor(configuration: configuration, services: services, logger: logger)
    self.door = door
    var chores: [any Service] = [ChoreService(chores: Chores(services, logger: logger), clocks: services.clocks)]
    if let delivery = door.webhookDelivery(over: transport) {
      chores.append(WebhookService(delivery: delivery, logger: logger))
    }
    self.services = chores
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
      for service in services { group.addTask { try await service.run() } }
      defer { door.watch.stop() }
      do { try await serve() } catch {
        group.cancelAll()
        throw error
      }
      // Calls of webhooks that are under way come to their end.
      door.watch.stop()
      try await group.waitForAll()
    }
  }

  private func serve() async throws {
    let (configuration, onReady) = (configuration, onReady)
    let application = Application(
      responder: HummingbirdAdapter(
        door: door, limit: configuration.maximumBodyBytes, proxies: configuration.proxies),
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [ArrivalGuard(head: configuration.headLimit, body: configuration.bodyLimit)],
          idleTimeout: .seconds(60),
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))),
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port), serverName: nil, backlog: 1024,
        availableConnectionsDelegate: MaximumAvailableConnections(configuration.maximumConnections)),
      onServerRunning: { channel in onReady(channel.localAddress?.port ?? 0) },
      logger: logger)
    do { try await application.run() } catch let error as IOError {
      throw SDError(
        .configuration, "listening on \(configuration.host):\(configuration.port) failed: \(error)", underlying: error)
    }
  }
}
