public import FoundationEssentials

extension SSM {
  /// A parameter of the store.
  public struct Parameter: Sendable, Hashable {
    /// The name.
    public var name: String?
    /// `String`, `StringList`, `SecureString`.
    public var type: String?
    /// The value.
    public var value: String?
    /// The version.
    public var version: Int?
    /// When it was changed.
    public var lastModifiedDate: Date?
    /// The ARN.
    public var arn: String?
    /// `text`, `aws:ec2:image`, `aws:ssm:integration`.
    public var dataType: String?

    init(json element: JSONElement) throws(AWSError) {
      name = try element.string("Name")
      type = try element.string("Type")
      value = try element.string("Value")
      version = try element.integer("Version")
      lastModifiedDate = try element.date("LastModifiedDate")
      arn = try element.string("ARN")
      dataType = try element.string("DataType")
    }
  }

  /// A parameter by name, `name:version` or `name:label`; public ones begin with `/aws/service/`.
  public func getParameter(name: String, decrypts: Bool? = nil) async throws(AWSError) -> Parameter {
    try await core.json("GetParameter") { form in
      form.add("Name", name)
      form.add("WithDecryption", decrypts)
    } read: { result throws(AWSError) in
      guard let found = result["Parameter"] else { throw AWSError(.malformedAnswer, "the answer has no Parameter") }
      return try Parameter(json: found)
    }
  }

  /// Up to ten parameters by name, and the names that there are none of.
  public func getParameters(names: [String], decrypts: Bool? = nil) async throws(AWSError)
    -> (parameters: [Parameter], invalid: [String])
  {
    try await core.json("GetParameters") { form in
      form.add("Names", list: names)
      form.add("WithDecryption", decrypts)
    } read: { result throws(AWSError) in
      let found = try result.list("Parameters") { element throws(AWSError) in try Parameter(json: element) }
      return (parameters: found, invalid: try result.strings("InvalidParameters"))
    }
  }

  /// One page of parameters.
  public struct ParameterPage: Sendable, Hashable {
    /// The parameters.
    public var parameters: [Parameter]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextToken: String?
  }

  /// One page of the parameters below a path.
  ///
  /// - Parameters:
  ///   - path: begins with a slash.
  ///   - isRecursive: whether those in folders below count too.
  ///   - maximum: the parameters of a page, 1 to 10.
  public func getParametersByPath(
    _ path: String, isRecursive: Bool? = nil, decrypts: Bool? = nil, maximum: Int? = nil, nextToken: String? = nil
  ) async throws(AWSError) -> ParameterPage {
    try await core.json("GetParametersByPath") { form in
      form.add("Path", path)
      form.add("Recursive", isRecursive)
      form.add("WithDecryption", decrypts)
      form.add("MaxResults", maximum)
      form.add("NextToken", nextToken)
    } read: { result throws(AWSError) in
      let found = try result.list("Parameters") { element throws(AWSError) in try Parameter(json: element) }
      return ParameterPage(parameters: found, nextToken: try result.string("NextToken"))
    }
  }

  /// A parameter to write.
  public struct PutParameterInput: Sendable, Hashable {
    /// The name.
    public var name: String
    /// The value, up to 4 KiB, or 8 KiB in the advanced tier.
    public var value: String
    /// `String`, `StringList`, `SecureString`; only a new parameter needs one.
    public var type: String?
    /// Whether one that exists is changed, rather than an error.
    public var overwrites: Bool?
    /// What it is for.
    public var description: String?
    /// The key of KMS that a `SecureString` is encrypted with; by default the account's own.
    public var keyID: String?
    /// `Standard`, `Advanced`, `Intelligent-Tiering`.
    public var tier: String?
    /// `text`, or `aws:ec2:image`, whose value is checked.
    public var dataType: String?
    /// A regular expression that values must match.
    public var allowedPattern: String?
    /// The tags; not together with ``overwrites``.
    public var tags: [String: String] = [:]

    /// A parameter to write.
    public init(name: String, value: String, type: String? = "String", overwrites: Bool? = nil) {
      (self.name, self.value, self.type, self.overwrites) = (name, value, type, overwrites)
    }
  }

  /// Writes a parameter; gives its version.
  @discardableResult
  public func putParameter(_ input: PutParameterInput) async throws(AWSError) -> Int {
    try await core.json("PutParameter") { form in
      form.add("Name", input.name)
      form.add("Value", input.value)
      form.add("Type", input.type)
      form.add("Overwrite", input.overwrites)
      form.add("Description", input.description)
      form.add("KeyId", input.keyID)
      form.add("Tier", input.tier)
      form.add("DataType", input.dataType)
      form.add("AllowedPattern", input.allowedPattern)
      form.add("Tags", map: input.tags, key: "Key", value: "Value")
    } read: { result throws(AWSError) in
      try result.integer("Version") ?? 0
    }
  }

  /// Deletes a parameter.
  ///
  /// - Throws: `ParameterNotFound` where there is none.
  public func deleteParameter(name: String) async throws(AWSError) {
    try await core.json("DeleteParameter") {
      $0.add("Name", name)
    } read: { _ in
    }
  }
}
