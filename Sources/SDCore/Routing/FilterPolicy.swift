/// A subscription filter policy as SNS has it (Amazon SNS Developer Guide, "Amazon SNS subscription filter policies").
///
/// Compiled when it is made, so that a policy that exists is valid, and cheap to match. Where the guide says nothing,
/// arrays are read as the rule engine behind it does: a value that is an array matches by any of its elements, and of an
/// array of objects one and the same element must satisfy everything that the policy asks below that key.
///
/// Strings are compared byte for byte, numbers by value to six digits after the point.
public struct FilterPolicy: Sendable {
  /// What a policy looks at.
  public enum Scope: String, Sendable, Hashable, Codable {
    /// The publication's attributes.
    case attributes = "MessageAttributes"
    /// Its body, which must be a JSON object then.
    case body = "MessageBody"
  }

  /// What it looks at.
  public let scope: Scope
  /// The policy as it was written.
  public let source: JSONValue
  /// Any of these must match; each is a policy without `$or`.
  private let alternatives: [FilterPolicyTree]

  /// A policy from its JSON.
  ///
  /// Throws `.invalid`, with the place, for what SNS would refuse: unknown operators, empty arrays, more than five keys,
  /// more than 150 combinations of values, numbers beyond a thousand million, nesting in attribute scope, more than 256 KiB.
  public init(_ source: JSONValue, scope: Scope) throws(SDError) {
    let size = source.serialized().count
    guard size <= FilterPolicyCompiler.maximumBytes else {
      throw SDError(.tooLarge, "a filter policy has at most 262,144 bytes; this one has \(size)")
    }
    self.scope = scope
    self.source = source
    alternatives = try FilterPolicyCompiler(scope: scope).compile(source)
  }

  /// A policy from JSON text.
  public init(parsing text: String, scope: Scope) throws(SDError) {
    let source: JSONValue
    do { source = try JSONValue(parsing: text) } catch {
      throw SDError(.invalid, "a filter policy that is not JSON: \(error.description)")
    }
    try self.init(source, scope: scope)
  }

  /// Whether a subscription with this policy gets a publication.
  public func matches(_ publication: Publication) -> Bool {
    matches(FilterSubject(publication, parsingBody: scope == .body))
  }

  /// Whether a subscription with this policy gets a publication that is looked at for many.
  package func matches(_ subject: FilterSubject) -> Bool {
    switch scope {
    case .attributes: return alternatives.contains { $0.matches(attributes: subject.publication.attributes) }
    case .body:
      guard let body = subject.body else { return false }
      return alternatives.contains { $0.matches(body) }
    }
  }
}

/// A publication as filter policies look at it: its body is parsed once for all of them.
package struct FilterSubject {
  package let publication: Publication
  /// The body, where it was to be parsed and is a JSON object.
  package let body: JSONObject?

  /// A publication, its body parsed where some policy looks at bodies.
  package init(_ publication: Publication, parsingBody: Bool) {
    self.publication = publication
    body = parsingBody ? (try? JSONValue(parsing: publication.body))?.object : nil
  }

  /// A publication for all of these policies.
  package init(_ publication: Publication, for policies: some Sequence<FilterPolicy>) {
    self.init(publication, parsingBody: policies.contains { $0.scope == .body })
  }
}

extension FilterPolicy: Hashable {
  public static func == (a: FilterPolicy, b: FilterPolicy) -> Bool { a.scope == b.scope && a.source == b.source }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(scope)
    hasher.combine(source)
  }
}

extension FilterPolicy: Codable {
  private enum Key: String, CodingKey { case scope, policy }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let scope = try container.decodeIfPresent(Scope.self, forKey: .scope) ?? .attributes
    let source = try container.decode(JSONValue.self, forKey: .policy)
    do { try self.init(source, scope: scope) } catch {
      throw DecodingError.dataCorruptedError(forKey: .policy, in: container, debugDescription: error.message)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(scope, forKey: .scope)
    try container.encode(source, forKey: .policy)
  }
}
