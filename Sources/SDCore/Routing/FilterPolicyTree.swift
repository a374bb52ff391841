/// What one alternative of a policy asks of an object, by member.
struct FilterPolicyTree: Sendable {
  struct Branch: Sendable {
    var name: String
    /// What is asked of the member's own value: of each list one test at least must hold.
    var values: [FilterPolicyTests] = []
    /// What is asked of the members below it.
    var below: FilterPolicyTree?
  }

  private(set) var branches: [Branch] = []

  /// Adds what is asked of the value at a path.
  mutating func ask(_ tests: FilterPolicyTests, at path: ArraySlice<String>) {
    guard let name = path.first else { return }
    let position = branches.firstIndex { $0.name.isIdentical(toBytesOf: name) } ?? branches.endIndex
    if position == branches.endIndex { branches.append(Branch(name: name)) }
    if path.count == 1 {
      branches[position].values.append(tests)
    } else {
      var below = branches[position].below ?? FilterPolicyTree()
      below.ask(tests, at: path.dropFirst())
      branches[position].below = below
    }
  }

  func matches(_ object: JSONObject) -> Bool {
    branches.allSatisfy { branch in
      let value = object[branch.name]
      return branch.values.allSatisfy { $0.match(value) } && (branch.below?.matches(below: value) ?? true)
    }
  }

  /// Whether the object at a member, or one of the objects in the array there, is as asked.
  private func matches(below value: JSONValue?) -> Bool {
    switch value {
    case .object(let object): matches(object)
    case .array(let elements): elements.contains { matches(below: $0) }
    default: matches([:])  // nothing is there: only `exists: false` can hold
    }
  }

  func matches(attributes: MessageAttributes) -> Bool {
    branches.allSatisfy { branch in
      guard branch.below == nil else { return false }
      let value = attributes[branch.name].flatMap { $0.forFilters }
      return branch.values.allSatisfy { $0.match(value) }
    }
  }
}

extension AttributeValue {
  /// The value as filter policies see it; `nil` for binary ones, which they ignore.
  fileprivate var forFilters: JSONValue? {
    switch self {
    case .string(let text): .string(text)
    case .number(let text): .number(JSONNumber(unchecked: text))
    case .list(let elements): .array(elements)
    case .binary: nil
    }
  }
}

/// The array of values and operators that a policy has under a key: one of them must hold.
struct FilterPolicyTests: Sendable {
  private let strings: Set<ExactString>
  private let others: [FilterPolicyTest]
  /// How many there are, for the complexity of the policy.
  let count: Int

  init(_ tests: [FilterPolicyTest]) {
    count = tests.count
    strings = Set(tests.compactMap { if case .string(let text) = $0 { text } else { nil } })
    others = tests.filter { if case .string = $0 { false } else { true } }
  }

  /// Whether one holds of a value, or of an element of a value that is an array.
  func match(_ value: JSONValue?) -> Bool {
    guard let value else { return others.contains { if case .exists(false) = $0 { true } else { false } } }
    if others.contains(where: { if case .exists(true) = $0 { true } else { false } }) { return true }
    return holds(of: value)
  }

  private func holds(of value: JSONValue) -> Bool {
    switch value {
    case .array(let elements): elements.contains { holds(of: $0) }
    case .object: false
    case .string(let text): strings.contains(ExactString(text)) || others.contains { $0.holds(of: value) }
    default: others.contains { $0.holds(of: value) }
    }
  }
}
