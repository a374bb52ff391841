/// AWS CloudFormation: stacks by change sets, their events and outputs.
public struct CloudFormation: Sendable {
  let core: ServiceClient

  /// A client of CloudFormation.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.cloudFormation, client, region: region, errorFormat: .query)
  }

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

  /// The template of a stack as it was given.
  public func getTemplate(name: String) async throws(AWSError) -> String {
    try await core.query("GetTemplate") { form in
      form.add("StackName", name)
      form.add("TemplateStage", "Original")
    } read: { result throws(AWSError) in
      try result.required("TemplateBody")
    }
  }

  /// What a template says of itself.
  public struct TemplateSummary: Sendable, Hashable {
    /// A parameter of a template.
    public struct Parameter: Sendable, Hashable {
      /// The name.
      public var name: String
      /// `String`, `Number`, `CommaDelimitedList` and so on.
      public var type: String?
      /// What it has where nothing is given.
      public var defaultValue: String?
      /// Whether its value is hidden.
      public var isHidden: Bool
      /// What it is for.
      public var description: String?
    }

    /// What it is for.
    public var description: String?
    /// The parameters.
    public var parameters: [Parameter]
    /// The capabilities that it takes to make a stack of it.
    public var capabilities: [String]
    /// Why it takes them.
    public var capabilitiesReason: String?
    /// The types of its resources.
    public var resourceTypes: [String]
  }

  /// Has a template looked at.
  ///
  /// - Throws: `ValidationError` with what is wrong.
  public func getTemplateSummary(_ template: Template) async throws(AWSError) -> TemplateSummary {
    try await core.query("GetTemplateSummary") {
      template.add(to: &$0)
    } read: { result throws(AWSError) in
      let parameters = try result.list("Parameters") { member throws(AWSError) in
        TemplateSummary.Parameter(
          name: try member.required("ParameterKey"), type: member.string("ParameterType"),
          defaultValue: member.string("DefaultValue"), isHidden: try member.bool("NoEcho") ?? false,
          description: member.string("Description"))
      }
      return TemplateSummary(
        description: result.string("Description"), parameters: parameters,
        capabilities: try result.list("Capabilities") { $0.text },
        capabilitiesReason: result.string("CapabilitiesReason"),
        resourceTypes: try result.list("ResourceTypes") { $0.text })
    }
  }

  /// Has a template looked at.
  ///
  /// - Throws: `ValidationError` with what is wrong.
  public func validateTemplate(_ template: Template) async throws(AWSError) {
    try await core.query("ValidateTemplate") { template.add(to: &$0) }
  }
}
