import FoundationEssentials

/// What tells a service that two requests are one: made once a call, the same for all its attempts.
enum IdempotencyToken {
  static func make() -> String { UUID().uuidString.lowercased() }
}
