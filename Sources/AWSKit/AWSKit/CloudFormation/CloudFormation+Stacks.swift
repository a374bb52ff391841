public import FoundationEssentials

extension CloudFormation {
  /// Where a template is.
  public enum Template: Sendable, Hashable {
    /// Its text, up to 51,200 bytes.
    case body(String)
    /// The URL of an object in S3, up to 1 MiB.
    case url(String)
    /// The one that the stack has.
    case previous

    func add(to form: inout QueryForm) {
      switch self {
      case .body(let text): form.add("TemplateBody", text)
      case .url(let url): form.add("TemplateURL", url)
      case .previous: form.add("UsePreviousTemplate", true)
      }
    }
  }

  /// A stack to create or change.
  public struct StackInput: Sendable, Hashable {
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

    /// A stack.
    public init(name: String, template: Template, parameters: [String: String] = [:]) {
      (self.name, self.template, self.parameters) = (name, template, parameters)
    }

    func encode(to form: inout QueryForm) {
      form.add("StackName", name)
      template.add(to: &form)
      var index = 0
      for (key, value) in parameters.sorted(by: { $0.key < $1.key }) {
        index += 1
        form.add("Parameters.member.\(index).ParameterKey", key)
        form.add("Parameters.member.\(index).ParameterValue", value)
      }
      for key in previousParameters {
        index += 1
        form.add("Parameters.member.\(index).ParameterKey", key)
        form.add("Parameters.member.\(index).UsePreviousValue", true)
      }
      form.add("Capabilities.member", list: capabilities.isEmpty ? nil : capabilities)
      form.add("Tags.member", map: tags, key: "Key", value: "Value")
      form.add("RoleARN", roleARN)
    }
  }

  struct CreateStack: QueryOperation {
    static let action: StaticString = "CreateStack"
    var input: StackInput
    let token = IdempotencyToken.make()
    func encode(to form: inout QueryForm) {
      input.encode(to: &form)
      form.add("ClientRequestToken", token)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> String { try result.required("StackId") }
  }

  struct UpdateStack: QueryOperation {
    static let action: StaticString = "UpdateStack"
    var input: StackInput
    let token = IdempotencyToken.make()
    func encode(to form: inout QueryForm) {
      input.encode(to: &form)
      form.add("ClientRequestToken", token)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> String { try result.required("StackId") }
  }

  struct DeleteStack: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "DeleteStack"
    var name: String
    var retained: [String]
    var token: String
    func encode(to form: inout QueryForm) {
      form.add("StackName", name)
      form.add("RetainResources.member", list: retained.isEmpty ? nil : retained)
      form.add("ClientRequestToken", token)
    }
  }

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
    /// When it was created.
    public var createdAt: Date?
    /// When it was changed.
    public var updatedAt: Date?
    /// The outputs by name.
    public var outputs: [String: String]
    /// The parameters by name.
    public var parameters: [String: String]
    /// The tags.
    public var tags: [String: String]

    init(xml member: XMLElement) throws(AWSError) {
      id = member.string("StackId")
      name = try member.required("StackName")
      status = member.string("StackStatus") ?? ""
      statusReason = member.string("StackStatusReason")
      createdAt = try member.date("CreationTime")
      updatedAt = try member.date("LastUpdatedTime")
      outputs = try member["Outputs"]?.map(entry: "member", key: "OutputKey", value: "OutputValue") ?? [:]
      parameters = try member["Parameters"]?.map(entry: "member", key: "ParameterKey", value: "ParameterValue") ?? [:]
      tags = try member["Tags"]?.map(entry: "member", key: "Key", value: "Value") ?? [:]
    }
  }

  /// One page of stacks.
  public struct StackPage: Sendable, Hashable {
    /// The stacks.
    public var stacks: [Stack]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextToken: String?
  }

  struct DescribeStacks: QueryOperation {
    static let action: StaticString = "DescribeStacks"
    var name: String?
    var nextToken: String?
    func encode(to form: inout QueryForm) {
      form.add("StackName", name)
      form.add("NextToken", nextToken)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> StackPage {
      let stacks = try result.list("Stacks") { member throws(AWSError) in try Stack(xml: member) }
      return StackPage(stacks: stacks, nextToken: result.string("NextToken"))
    }
  }

  /// Something that happened to a stack or one of its resources.
  public struct StackEvent: Sendable, Hashable {
    /// The event's id.
    public var id: String
    /// When it happened.
    public var timestamp: Date?
    /// The resource's name in the template.
    public var logicalID: String?
    /// The resource's own id.
    public var physicalID: String?
    /// `AWS::SQS::Queue` and so on.
    public var resourceType: String?
    /// `CREATE_FAILED` and so on.
    public var status: String?
    /// Why.
    public var reason: String?
  }

  /// One page of events, the newest first.
  public struct EventPage: Sendable, Hashable {
    /// The events.
    public var events: [StackEvent]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextToken: String?
  }

  struct DescribeStackEvents: QueryOperation {
    static let action: StaticString = "DescribeStackEvents"
    var name: String
    var nextToken: String?
    func encode(to form: inout QueryForm) {
      form.add("StackName", name)
      form.add("NextToken", nextToken)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> EventPage {
      let events = try result.list("StackEvents") { member throws(AWSError) in
        StackEvent(
          id: try member.required("EventId"), timestamp: try member.date("Timestamp"),
          logicalID: member.string("LogicalResourceId"), physicalID: member.string("PhysicalResourceId"),
          resourceType: member.string("ResourceType"), status: member.string("ResourceStatus"),
          reason: member.string("ResourceStatusReason"))
      }
      return EventPage(events: events, nextToken: result.string("NextToken"))
    }
  }

  /// A resource of a stack.
  public struct StackResource: Sendable, Hashable {
    /// The name in the template.
    public var logicalID: String
    /// The resource's own id.
    public var physicalID: String?
    /// `AWS::SQS::Queue` and so on.
    public var resourceType: String?
    /// `CREATE_COMPLETE` and so on.
    public var status: String?
    /// Why.
    public var reason: String?
  }

  struct DescribeStackResources: QueryOperation {
    static let action: StaticString = "DescribeStackResources"
    var name: String
    func encode(to form: inout QueryForm) { form.add("StackName", name) }
    func decode(_ result: XMLElement) throws(AWSError) -> [StackResource] {
      try result.list("StackResources") { member throws(AWSError) in
        StackResource(
          logicalID: try member.required("LogicalResourceId"), physicalID: member.string("PhysicalResourceId"),
          resourceType: member.string("ResourceType"), status: member.string("ResourceStatus"),
          reason: member.string("ResourceStatusReason"))
      }
    }
  }

  struct GetTemplate: QueryOperation {
    static let action: StaticString = "GetTemplate"
    var name: String
    func encode(to form: inout QueryForm) {
      form.add("StackName", name)
      form.add("TemplateStage", "Original")
    }
    func decode(_ result: XMLElement) throws(AWSError) -> String { try result.required("TemplateBody") }
  }

  struct ValidateTemplate: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "ValidateTemplate"
    var template: Template
    func encode(to form: inout QueryForm) { template.add(to: &form) }
  }
}
