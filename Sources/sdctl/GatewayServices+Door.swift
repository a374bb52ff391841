import SDCore
import SDGateway
import SDRuntime

extension GatewayServices {
  /// A gateway on what a door was composed of.
  init(_ door: ComposedDoor) {
    self.init(
      submissions: door.submissions, ledger: door.ledger, store: door.store, events: door.events, queues: door.queues,
      clocks: door.clocks, presigned: door.store as? any PresignedAccessVerifier)
  }
}
