import FoundationEssentials
import SDCore
import Testing

/// Policies and publications with the answer that another implementation of SNS gives, kept where it agrees with the
/// developer guide.
///
/// One a line in `FilterPolicyVectors.json`.
@Suite struct FilterPolicyVectorTests {
  static let vectors: [JSONValue] = {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "FilterPolicyVectors.json")
    guard let data = try? Data(contentsOf: path) else { return [] }
    return (try? JSONValue(parsing: Array(data)))?.array ?? []
  }()

  @Test("Policies match as another implementation of SNS has it")
  func vectors() throws {
    try #require(Self.vectors.count == 400)
    for vector in Self.vectors {
      let scope = try #require(vector["scope"]?.string.flatMap(FilterPolicy.Scope.init))
      let policy = try FilterPolicy(try #require(vector["policy"]), scope: scope)
      var attributes: MessageAttributes = [:]
      for (name, value) in vector["attributes"]?.object?.members ?? [] {
        let type = try #require(value["Type"]?.string)
        attributes[name] = try #require(AttributeValue(dataType: type, text: try #require(value["Value"]?.string)))
      }
      let publication = Publication(body: vector["body"]?.serialized() ?? [], attributes: attributes)
      #expect(policy.matches(publication) == vector["matches"]?.bool, "\(vector.text)")
    }
  }
}
