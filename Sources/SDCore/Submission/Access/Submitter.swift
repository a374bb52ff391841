/// On whose behalf a task is submitted.
public struct Submitter: Sendable, Hashable {
  /// Whose the task is.
  public var tenant: String
  /// What the keys of its objects begin with, without a slash at its end.
  public var prefix: String
  /// Whom a queue is to be fair to: the tenant, else the key; `nil` where nobody is told apart.
  public var group: String?
  /// Whether its tasks may ask for high priority.
  public var mayHurry: Bool

  /// Somebody by tenant.
  public init(tenant: String = "", prefix: String = "", group: String? = nil, mayHurry: Bool = true) {
    (self.tenant, self.prefix, self.group, self.mayHurry) = (tenant, prefix, group, mayHurry)
  }

  /// The bearer of a key.
  public init(_ key: APIKey) {
    self.init(
      tenant: key.tenant, prefix: key.prefix, group: key.tenant.isEmpty ? key.name : key.tenant, mayHurry: key.mayHurry)
  }
}

extension TaskRequest {
  /// The task with its objects below a prefix, which is that of its tenant.
  func placed(below prefix: String) -> TaskRequest {
    guard !prefix.isEmpty else { return self }
    var task = self
    task.folder = "\(prefix)/\(folder)"
    // v1alpha1's folder travels as `s3_output_path`, the others' as the prefix in their metadata.
    guard api != .v1alpha1 else { return task }
    let own = payload["metadata"]?["prefix"]?.string ?? ""
    task.payload["metadata"]?["prefix"] = .string(own.isEmpty ? prefix : "\(prefix)/\(own)")
    return task
  }
}
