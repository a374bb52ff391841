/// Amazon Elastic Compute Cloud, as far as making a snapshot of a volume needs it.
public struct EC2: Sendable {
  let core: ServiceClient

  /// A client of EC2.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.ec2, client, region: region, errorFormat: .query)
  }

  /// What a list is narrowed by: a name, `tag:purpose`, and values of which one must fit.
  public struct Filter: Sendable, Hashable {
    /// The name.
    public var name: String
    /// The values; `*` and `?` stand for characters.
    public var values: [String]
    /// A filter.
    public init(_ name: String, _ values: [String]) { (self.name, self.values) = (name, values) }
  }

  /// One page of a list.
  public struct Page<Element: Sendable>: Sendable {
    /// The elements.
    public var elements: [Element]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextToken: String?
  }

  /// Asks for one page of resources.
  ///
  /// - Parameters:
  ///   - action: the operation.
  ///   - idName: the parameter that `ids` go into.
  ///   - filters: what must fit besides.
  ///   - nextToken: the page.
  ///   - set: the element that holds the resources.
  ///   - more: further parameters.
  ///   - read: makes a resource of an element.
  func describe<Element: Sendable>(
    _ action: String, _ idName: String, _ ids: [String], _ filters: [Filter], _ nextToken: String? = nil,
    in set: StaticString, more: (inout QueryForm) -> Void = { _ in },
    _ read: @Sendable (XMLElement) throws(AWSError) -> Element
  ) async throws(AWSError) -> Page<Element> {
    try await core.query(action) { form in
      form.add(idName, list: ids.isEmpty ? nil : ids)
      form.add("Filter", each: filters.isEmpty ? nil : filters) { form, prefix, filter in
        form.add("\(prefix).Name", filter.name)
        form.add("\(prefix).Value", list: filter.values)
      }
      form.add("NextToken", nextToken)
      more(&form)
    } read: { result throws(AWSError) in
      // EC2 writes an empty token on the last page.
      let token = result.string("nextToken").flatMap { $0.isEmpty ? nil : $0 }
      return Page(elements: try result.list(set, of: "item", read), nextToken: token)
    }
  }

  // MARK: Tags

  /// Adds tags to resources.
  public func createTags(resourceIDs: [String], tags: [String: String]) async throws(AWSError) {
    try await core.query("CreateTags") { form in
      form.add("ResourceId", list: resourceIDs)
      form.add("Tag", map: tags, key: "Key", value: "Value")
    }
  }

  /// Removes tags from resources, whatever their values.
  public func deleteTags(resourceIDs: [String], keys: [String]) async throws(AWSError) {
    // Without any keys EC2 would remove them all.
    guard !keys.isEmpty else { return }
    try await core.query("DeleteTags") { form in
      form.add("ResourceId", list: resourceIDs)
      form.add("Tag", each: keys) { $0.add("\($1).Key", $2) }
    }
  }
}

extension XMLElement {
  /// `tagSet`, as every resource of EC2 has it.
  func ec2Tags() throws(AWSError) -> [String: String] { try self["tagSet"]?.map(entry: "item") ?? [:] }
}

extension QueryForm {
  /// Adds the tags that new resources get, kind by kind.
  mutating func add(tags: [(resource: String, tags: [String: String])]) {
    let given = tags.filter { !$0.tags.isEmpty }
    add("TagSpecification", each: given.isEmpty ? nil : given) { form, prefix, specification in
      form.add("\(prefix).ResourceType", specification.resource)
      form.add("\(prefix).Tag", map: specification.tags, key: "Key", value: "Value")
    }
  }
}
