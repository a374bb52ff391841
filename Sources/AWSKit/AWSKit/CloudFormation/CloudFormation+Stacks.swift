public import FoundationEssentials

extension CloudFormation {
  /// A stack to create or change.
  public struct StackInput: Sendable, Hashable {
    /// What happens to a new stack that fails.
    public enum FailureAction: String, Sendable, Hashable {
      /// It stays as it is.
      case keep = "DO_NOTHING"
      /// What was made is removed; the stack stays.
      case rollBack = "ROLLBACK"
      /// It is removed.
      case delete = "DELETE"
    }

    /// The name.
    public var name: String
    /// The template.
    public var template: Template
    /// The parameters by name.
    public var parameters: [String: String] = [:]
    /// Parameters that keep their values.
    public var previousParameters: [String] = []
    /// `CAPABILITY_IAM`, `CAPABILITY_NAMED_IAM`, `CAPABILITY_AUTO_EXPAND`.
    public var capabilities: [String] = []
    /// The tags.
    public var tags: [String: String] = [:]
    /// The role that CloudFormation takes.
    public var roleARN: String?
    /// The topics that are told of events.
    public var notificationARNs: [String] = []
    /// What happens when it fails; on a change of a stack only ``FailureAction/keep`` differs from the default.
    public var onFailure: FailureAction?
    /// How long making a new stack may take, in minutes.
    public var timeoutMinutes: Int?
    /// Whether a new stack can be deleted only after ``setTerminationProtection(stackName:to:)``.
    public var isProtected: Bool?

    /// A stack.
    public init(name: String, template: Template, parameters: [String: String] = [:]) {
      (self.name, self.template, self.parameters) = (name, template, parameters)
    }

    func encode(to form: inout QueryForm) {
      form.add("StackName", name)
      template.add(to: &form)
      let all =
        parameters.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value as String?) }
        + previousParameters.map { (key: $0, value: nil) }
      form.add("Parameters.member", each: all.isEmpty ? nil : all) { form, prefix, parameter in
        form.add("\(prefix).ParameterKey", parameter.key)
        form.add("\(prefix).ParameterValue", parameter.value)
        if parameter.value == nil { form.add("\(prefix).UsePreviousValue", true) }
      }
      form.add("Capabilities.member", list: capabilities.isEmpty ? nil : capabilities)
      form.add("Tags.member", map: tags, key: "Key", value: "Value")
      form.add("RoleARN", roleARN)
      form.add("NotificationARNs.member", list: notificationARNs.isEmpty ? nil : notificationARNs)
    }
  }

  /// Creates a stack at once; gives its id.
  public func createStack(_ input: StackInput) async throws(AWSError) -> String {
    try await core.query("CreateStack") { form in
      input.encode(to: &form)
      form.add("OnFailure", input.onFailure?.rawValue)
      form.add("TimeoutInMinutes", input.timeoutMinutes)
      form.add("EnableTerminationProtection", input.isProtected)
      form.add("ClientRequestToken", IdempotencyToken.make())
    } read: { result throws(AWSError) in
      try result.required("StackId")
    }
  }

  /// Changes a stack at once; gives its id.
  ///
  /// - Throws: `ValidationError` where there is nothing to change.
  public func updateStack(_ input: StackInput) async throws(AWSError) -> String {
    try await core.query("UpdateStack") { form in
      input.encode(to: &form)
      form.add("DisableRollback", input.onFailure.map { $0 == .keep })
      form.add("ClientRequestToken", IdempotencyToken.make())
    } read: { result throws(AWSError) in
      try result.required("StackId")
    }
  }

  /// Begins to delete a stack; one that is missing counts as deleted.
  ///
  /// - Parameters:
  ///   - retainedResources: what is left, of a stack whose deletion has failed.
  ///   - forces: whether a stack whose deletion has failed is deleted with all that can be.
  public func deleteStack(
    name: String, retainedResources: [String] = [], roleARN: String? = nil, forces: Bool = false
  ) async throws(AWSError) {
    try await core.query("DeleteStack") { form in
      form.add("StackName", name)
      form.add("RetainResources.member", list: retainedResources.isEmpty ? nil : retainedResources)
      form.add("RoleARN", roleARN)
      form.add("DeletionMode", forces ? "FORCE_DELETE_STACK" : nil)
      form.add("ClientRequestToken", IdempotencyToken.make())
    }
  }

  /// Ends a change of a stack that is under way; what it had was comes back.
  public func cancelUpdateStack(name: String) async throws(AWSError) {
    try await core.query("CancelUpdateStack") { form in
      form.add("StackName", name)
      form.add("ClientRequestToken", IdempotencyToken.make())
    }
  }

  /// Goes on with a return to what a stack was, after that has failed.
  ///
  /// - Parameter skippedResources: the logical ids of those that are left as they are.
  public func continueUpdateRollback(name: String, skippedResources: [String] = [], roleARN: String? = nil)
    async throws(AWSError)
  {
    try await core.query("ContinueUpdateRollback") { form in
      form.add("StackName", name)
      form.add("RoleARN", roleARN)
      form.add("ResourcesToSkip.member", list: skippedResources.isEmpty ? nil : skippedResources)
      form.add("ClientRequestToken", IdempotencyToken.make())
    }
  }

  /// Says whether a stack can be deleted.
  public func setTerminationProtection(stackName: String, to isProtected: Bool) async throws(AWSError) {
    try await core.query("UpdateTerminationProtection") { form in
      form.add("EnableTerminationProtection", isProtected)
      form.add("StackName", stackName)
    }
  }

  // MARK: Looking

  /// A stack.
  public struct Stack: Sendable, Hashable {
    /// The id.
    public var id: String?
    /// The name.
    public var name: String
    /// `CREATE_COMPLETE` and so on.
    public var status: String
    /// Why it came into its status.
    public var statusReason: String?
    /// What its template says of it.
    public var description: String?
    /// When it was created.
    public var createdAt: Date?
    /// When it was changed.
    public var updatedAt: Date?
    /// When it was deleted.
    public var deletedAt: Date?
    /// The outputs by name.
    public var outputs: [String: String]
    /// The parameters by name.
    public var parameters: [String: String]
    /// The tags.
    public var tags: [String: String]
    /// The capabilities that it was given.
    public var capabilities: [String]
    /// The role that CloudFormation takes.
    public var roleARN: String?
    /// Whether it cannot be deleted.
    public var isProtected: Bool
    /// The stack that this one is nested in.
    public var parentID: String?

    init(xml member: XMLElement) throws(AWSError) {
      id = member.string("StackId")
      name = try member.required("StackName")
      status = member.string("StackStatus") ?? ""
      statusReason = member.string("StackStatusReason")
      description = member.string("Description")
      createdAt = try member.date("CreationTime")
      updatedAt = try member.date("LastUpdatedTime")
      deletedAt = try member.date("DeletionTime")
      outputs = try member["Outputs"]?.map(entry: "member", key: "OutputKey", value: "OutputValue") ?? [:]
      parameters = try member["Parameters"]?.map(entry: "member", key: "ParameterKey", value: "ParameterValue") ?? [:]
      tags = try member["Tags"]?.map(entry: "member", key: "Key", value: "Value") ?? [:]
      capabilities = try member.list("Capabilities") { $0.text }
      roleARN = member.string("RoleARN")
      isProtected = try member.bool("EnableTerminationProtection") ?? false
      parentID = member.string("ParentId")
    }
  }

  /// One page of stacks.
  public struct StackPage: Sendable, Hashable {
    /// The stacks.
    public var stacks: [Stack]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextToken: String?
  }

  /// A stack, by name or id.
  ///
  /// - Throws: `ValidationError` where there is none.
  public func describeStack(name: String) async throws(AWSError) -> Stack {
    guard let stack = try await describeStacks(name: name, nextToken: nil).stacks.first else {
      throw core.named(AWSError(.malformedAnswer, "the answer has no stack"), ServiceCall("DescribeStacks"))
    }
    return stack
  }

  /// One page of stacks; deleted ones are left out.
  public func describeStacks(nextToken: String? = nil) async throws(AWSError) -> StackPage {
    try await describeStacks(name: nil, nextToken: nextToken)
  }

  private func describeStacks(name: String?, nextToken: String?) async throws(AWSError) -> StackPage {
    try await core.query("DescribeStacks") { form in
      form.add("StackName", name)
      form.add("NextToken", nextToken)
    } read: { result throws(AWSError) in
      let stacks = try result.list("Stacks") { member throws(AWSError) in try Stack(xml: member) }
      return StackPage(stacks: stacks, nextToken: result.string("NextToken"))
    }
  }
}
