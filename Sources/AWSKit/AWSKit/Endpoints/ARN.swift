/// The name of a resource of AWS: `arn:partition:service:region:account:resource`.
public struct ARN: Sendable, Hashable, CustomStringConvertible {
  /// The partition, such as `aws-cn`.
  public var partition: String
  /// The service, such as `sns`.
  public var service: String
  /// Empty for global resources.
  public var region: String
  /// Twelve digits, or empty.
  public var account: String
  /// The rest, colons included.
  public var resource: String

  /// Reads an ARN; `nil` for what is none.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 6, parts[0] == "arn", !parts[1].isEmpty, !parts[2].isEmpty, !parts[5].isEmpty else {
      return nil
    }
    (partition, service, region, account, resource) = (parts[1], parts[2], parts[3], parts[4], parts[5])
  }

  /// The ARN as text.
  public var description: String { "arn:\(partition):\(service):\(region):\(account):\(resource)" }
}
