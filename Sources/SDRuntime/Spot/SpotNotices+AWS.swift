import AWSKit
import SDCore

extension SpotNotices {
  /// The notices of an instance's metadata service: of an interruption, two minutes ahead, and with `withRebalances` of the
  /// likelihood of one, which comes earlier, or for nothing.
  ///
  /// Amazon EC2 User Guide, "Spot Instance interruption notices" and "EC2 instance rebalance recommendations".
  init(_ metadata: InstanceMetadata, withRebalances: Bool) {
    self.init {
      if let interruption = try await metadata.spotInterruption() {
        let time = interruption.time.map { "\(Timestamp($0))" } ?? "unknown"
        return ["notice": "interruption", "action": interruption.action, "at": time]
      }
      guard withRebalances, let time = try await metadata.rebalanceRecommendation() else { return nil }
      return ["notice": "rebalance", "at": "\(Timestamp(time))"]
    }
  }
}
