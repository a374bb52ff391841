extension CloudFormation {
  /// A change set to make.
  public struct ChangeSetInput: QueryOperation {
    static let action: StaticString = "CreateChangeSet"

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
    let token = IdempotencyToken.make()

    /// A change set to make.
    public init(stack: StackInput, name: String, kind: Kind) {
      (self.stack, self.name, self.kind) = (stack, name, kind)
    }

    func encode(to form: inout QueryForm) {
      stack.encode(to: &form)
      form.add("ChangeSetName", name)
      form.add("ClientToken", token)
      form.add("Description", description)
      form.add("ChangeSetType", kind.rawValue)
    }

    func decode(_ result: XMLElement) throws(AWSError) -> String { try result.required("Id") }
  }

  /// A change of one resource.
  public struct ResourceChange: Sendable, Hashable {
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

  struct DescribeChangeSet: QueryOperation {
    static let action: StaticString = "DescribeChangeSet"
    var name: String
    var stackName: String?
    var nextToken: String?
    func encode(to form: inout QueryForm) {
      form.add("ChangeSetName", name)
      form.add("StackName", stackName)
      form.add("NextToken", nextToken)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> ChangeSet {
      let changes = try result.list("Changes") { member in
        let change = member["ResourceChange"]
        return ResourceChange(
          action: change?.string("Action") ?? "", logicalID: change?.string("LogicalResourceId"),
          physicalID: change?.string("PhysicalResourceId"), resourceType: change?.string("ResourceType"),
          replacement: change?.string("Replacement"))
      }
      return ChangeSet(
        id: result.string("ChangeSetId"), status: result.string("Status") ?? "",
        statusReason: result.string("StatusReason"), executionStatus: result.string("ExecutionStatus"),
        changes: changes, nextToken: result.string("NextToken"))
    }
  }

  struct ExecuteChangeSet: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "ExecuteChangeSet"
    var name: String
    var stackName: String?
    var token: String
    func encode(to form: inout QueryForm) {
      form.add("ChangeSetName", name)
      form.add("StackName", stackName)
      form.add("ClientRequestToken", token)
    }
  }

  struct DeleteChangeSet: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "DeleteChangeSet"
    var name: String
    var stackName: String?
    func encode(to form: inout QueryForm) {
      form.add("ChangeSetName", name)
      form.add("StackName", stackName)
    }
  }
}
