/// A subscription filter policy as SNS has it (Amazon SNS Developer Guide, "Amazon SNS subscription filter policies").
public struct FilterPolicy: Sendable, Hashable, Codable {
  /// What a policy looks at.
  public enum Scope: String, Sendable, Hashable, Codable {
    /// The publication's attributes.
    case attributes = "MessageAttributes"
    /// Its body, which must be a JSON object then.
    case body = "MessageBody"
  }

  /// What it looks at.
  public var scope: Scope
  /// The policy as it was written.
  public var source: JSONValue
}
