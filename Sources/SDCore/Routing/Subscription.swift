/// Which publications of a topic a queue gets, and how.
public struct Subscription: Sendable, Hashable, Codable {
  /// The queue's name.
  public var queue: String
  /// What it wants; `nil` for everything.
  public var filter: FilterPolicy?
  /// Whether the queue gets the publication as it is (its attributes as the message's) or wrapped in SNS's envelope.
  public var rawDelivery: Bool

  /// Which publications a queue gets.
  public init(queue: String, filter: FilterPolicy? = nil, rawDelivery: Bool = true) {
    self.queue = queue
    self.filter = filter
    self.rawDelivery = rawDelivery
  }
}
