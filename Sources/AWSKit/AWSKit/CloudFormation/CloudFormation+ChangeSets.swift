extension CloudFormation {
  /// A change set to make.
  public struct ChangeSetInput: Sendable, Hashable {
    /// What the change set does.
    public enum Kind: String, Sendable, Hashable {
      /// A new stack.
      case create = "CREATE"
      /// A change of a stack.
      case update = "UPDATE"
    }

    /// The stack as it is to be.
    public var stack: StackInput
    /// The change set's name.
    public var name: String
    /// What it does.
    public var kind: Kind
    /// What its maker wrote.
    public var description: String?
    /// Whether nested stacks get change sets too.
    public var includesNestedStacks: Bool?

    /// A change set to make.
    public init(stack: StackInput, name: String, kind: Kind) {
      (self.stack, self.name, self.kind) = (stack, name, kind)
    }
  }

  /// Begins to make a change set; gives its id.
  public func createChangeSet(_ input: ChangeSetInput) async throws(AWSError) -> String {
    try await core.query("CreateChangeSet") { form in
      input.stack.encode(to: &form)
      form.add("ChangeSetName", input.name)
      form.add("ClientToken", IdempotencyToken.make())
      form.add("Description", input.description)
      form.add("ChangeSetType", input.kind.rawValue)
      form.add("IncludeNestedStacks", input.includesNestedStacks)
      form.add("OnStackFailure", input.stack.onFailure?.rawValue)
    } read: { result throws(AWSError) in
      try result.required("Id")
    }
  }

  /// A change of one resource.
  public struct ResourceChange: Sendable, Hashable {
    /// A change of one of a resource's properties.
    public struct Detail: Sendable, Hashable {
      /// `Properties`, `Tags`, `Metadata` and so on.
      public var attribute: String?
      /// The property's name.
      public var name: String?
      /// Where it is within the property.
      public var path: String?
      /// `Never`, `Conditionally`, `Always`: whether a new resource takes the old one's place.
      public var requiresRecreation: String?
      /// The value before, where it was asked for.
      public var before: String?
      /// The value after, where it was asked for.
      public var after: String?
    }

    /// `Add`, `Modify`, `Remove`, `Import`, `Dynamic`.
    public var action: String
    /// The name in the template.
    public var logicalID: String?
    /// The resource's own id.
    public var physicalID: String?
    /// `AWS::SQS::Queue` and so on.
    public var resourceType: String?
    /// `True`, `False`, `Conditional`: whether a new resource takes its place.
    public var replacement: String?
    /// What of it changes.
    public var details: [Detail]

    init(xml change: XMLElement) throws(AWSError) {
      action = change.string("Action") ?? ""
      logicalID = change.string("LogicalResourceId")
      physicalID = change.string("PhysicalResourceId")
      resourceType = change.string("ResourceType")
      replacement = change.string("Replacement")
      details = try change.list("Details") { member in
        let target = member["Target"]
        return Detail(
          attribute: target?.string("Attribute"), name: target?.string("Name"), path: target?.string("Path"),
          requiresRecreation: target?.string("RequiresRecreation"), before: target?.string("BeforeValue"),
          after: target?.string("AfterValue"))
      }
    }
  }

  /// A change set.
  public struct ChangeSet: Sendable, Hashable {
    /// The id.
    public var id: String?
    /// `CREATE_PENDING`, `CREATE_IN_PROGRESS`, `CREATE_COMPLETE`, `FAILED` and so on.
    public var status: String
    /// Why; a set without changes fails and says so here.
    public var statusReason: String?
    /// `AVAILABLE` where it can be executed.
    public var executionStatus: String?
    /// The changes of this page.
    public var changes: [ResourceChange]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextToken: String?
  }

  /// A change set, with one page of its changes.
  ///
  /// - Parameter includesValues: whether properties are told as they are before and after.
  public func describeChangeSet(
    name: String, stackName: String? = nil, includesValues: Bool? = nil, nextToken: String? = nil
  ) async throws(AWSError) -> ChangeSet {
    try await core.query("DescribeChangeSet") { form in
      form.add("ChangeSetName", name)
      form.add("StackName", stackName)
      form.add("NextToken", nextToken)
      form.add("IncludePropertyValues", includesValues)
    } read: { result throws(AWSError) in
      // A change may be of something else than a resource.
      let changes = try result.list("Changes") { member throws(AWSError) in
        try member["ResourceChange"].map { change throws(AWSError) in try ResourceChange(xml: change) }
      }
      return ChangeSet(
        id: result.string("ChangeSetId"), status: result.string("Status") ?? "",
        statusReason: result.string("StatusReason"), executionStatus: result.string("ExecutionStatus"),
        changes: changes.compactMap(\.self), nextToken: result.string("NextToken"))
    }
  }

  /// Begins to do what a change set says.
  public func executeChangeSet(name: String, stackName: String? = nil) async throws(AWSError) {
    try await core.query("ExecuteChangeSet") { form in
      form.add("ChangeSetName", name)
      form.add("StackName", stackName)
      form.add("ClientRequestToken", IdempotencyToken.make())
    }
  }

  /// Deletes a change set.
  public func deleteChangeSet(name: String, stackName: String? = nil) async throws(AWSError) {
    try await core.query("DeleteChangeSet") { form in
      form.add("ChangeSetName", name)
      form.add("StackName", stackName)
    }
  }
}
