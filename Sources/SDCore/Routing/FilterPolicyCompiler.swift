/// Turns a policy's JSON into trees to match by, and refuses what SNS would.
struct FilterPolicyCompiler {
  /// Bytes of a policy ("Filter policy constraints": 256 KB).
  static let maximumBytes = 256 << 10
  /// Keys with values, in each way to satisfy the policy.
  static let maximumKeys = 5
  /// Combinations of values: the product of the arrays' lengths, each times its depth in body scope.
  static let maximumCombinations = 150
  /// Ways to satisfy the policy that its `$or`s may add up to.
  ///
  /// SNS tells no number; this one bounds our own work.
  static let maximumAlternatives = 1000
  /// Field names that keep `$or` from being an operator ("AND/OR logic").
  private static let reserved: Set<String> = [
    "exactly", "exists", "anything-but", "prefix", "suffix", "equals-ignore-case", "numeric", "cidr", "wildcard",
  ]

  let scope: FilterPolicy.Scope

  /// One thing that a policy asks: tests of the value at a path.
  private struct Ask {
    var path: [String]
    var tests: FilterPolicyTests
  }

  func compile(_ source: JSONValue) throws(SDError) -> [FilterPolicyTree] {
    guard let object = source.object else { throw invalid([], "must be a JSON object, not \(source.kind)") }
    let alternatives = try self.alternatives(of: object, at: [])
    for asks in alternatives {
      guard asks.count <= Self.maximumKeys else {
        throw invalid([], "has \(asks.count) keys with values; SNS takes \(Self.maximumKeys)")
      }
      var combinations = 1
      for ask in asks {
        let (product, overflow) = combinations.multipliedReportingOverflow(by: ask.tests.count * depth(of: ask))
        guard !overflow, product <= Self.maximumCombinations else {
          throw invalid([], "has more than \(Self.maximumCombinations) combinations of values")
        }
        combinations = product
      }
    }
    return alternatives.map { asks in
      var tree = FilterPolicyTree()
      for ask in asks { tree.ask(ask.tests, at: ask.path[...]) }
      return tree
    }
  }

  private func depth(of ask: Ask) -> Int { scope == .body ? ask.path.count : 1 }

  private func invalid(_ path: [String], _ message: String) -> SDError {
    SDError(
      .invalid,
      path.isEmpty ? "a filter policy \(message)" : "a filter policy, at \(path.joined(separator: ".")), \(message)")
  }

  /// The ways to satisfy an object of a policy, each a list of asks that must all hold.
  private func alternatives(of object: JSONObject, at path: [String]) throws(SDError) -> [[Ask]] {
    var alternatives: [[Ask]] = [[]]
    for (name, value) in object.members {
      let here = path + [name]
      var options: [[Ask]] = []
      switch value {
      case .array(let branches) where name == "$or" && Self.isOr(branches):
        for case .object(let branch) in branches { options += try self.alternatives(of: branch, at: path) }
      case .array(let values): options = [[Ask(path: here, tests: try tests(values, at: here))]]
      case .object(let nested):
        guard scope == .body else { throw invalid(here, "nests; policies over attributes do not") }
        guard !nested.isEmpty else { throw invalid(here, "has an empty object") }
        options = try self.alternatives(of: nested, at: here)
      default: throw invalid(here, "must have an array or an object, not \(value.kind)")
      }
      guard alternatives.count * options.count <= Self.maximumAlternatives else {
        throw invalid(here, "is too complex: its $or operators multiply")
      }
      alternatives = alternatives.flatMap { before in options.map { before + $0 } }
    }
    return alternatives
  }

  /// Whether the array under `$or` makes it an operator; it is an ordinary key otherwise.
  private static func isOr(_ branches: [JSONValue]) -> Bool {
    branches.count >= 2
      && branches.allSatisfy { $0.object.map { !$0.isEmpty && reserved.isDisjoint(with: $0.names) } ?? false }
  }

  private func tests(_ values: [JSONValue], at path: [String]) throws(SDError) -> FilterPolicyTests {
    guard !values.isEmpty else { throw invalid(path, "has an empty array") }
    var tests: [FilterPolicyTest] = []
    for value in values { tests.append(try test(value, at: path)) }
    return FilterPolicyTests(tests)
  }

  private func test(_ value: JSONValue, at path: [String]) throws(SDError) -> FilterPolicyTest {
    switch value {
    case .string(let text): return .string(ExactString(text))
    case .number(let number): return .number(try self.number(number, at: path))
    case .bool(let bool): return .bool(bool)
    case .null: return .null
    case .array: throw invalid(path, "has an array in an array")
    case .object(let object):
      guard object.count == 1, let (name, operand) = object.members.first else {
        throw invalid(path, "has an operator object with \(object.count) members instead of one")
      }
      return try `operator`(name, operand, at: path + [name])
    }
  }

  private func number(_ number: JSONNumber, at path: [String]) throws(SDError) -> FilterNumber {
    guard let value = FilterNumber(number) else {
      throw invalid(path, "has a number beyond minus or plus 1,000,000,000")
    }
    return value
  }

  private func `operator`(_ name: String, _ operand: JSONValue, at path: [String]) throws(SDError) -> FilterPolicyTest {
    switch name {
    case "prefix", "suffix", "equals-ignore-case", "wildcard":
      guard let text = operand.string else { throw invalid(path, "must have a string, not \(operand.kind)") }
      return try textual(name, text, at: path)
    case "cidr":
      guard let block = operand.string.flatMap(FilterAddress.Block.init) else {
        throw invalid(path, "must have a block of IP addresses such as 10.0.0.0/24")
      }
      return .cidr(block)
    case "exists":
      guard let exists = operand.bool else { throw invalid(path, "must have true or false, not \(operand.kind)") }
      return .exists(exists)
    case "numeric":
      guard let elements = operand.array else { throw invalid(path, "must have an array, not \(operand.kind)") }
      return try numeric(elements, at: path)
    case "anything-but": return .anythingBut(try anythingBut(operand, at: path))
    default: throw invalid(path, "is no operator that SNS knows")
    }
  }

  private func textual(_ name: String, _ text: String, at path: [String]) throws(SDError) -> FilterPolicyTest {
    switch name {
    case "prefix": return .prefix(Array(text.utf8))
    case "suffix": return .suffix(Array(text.utf8))
    case "equals-ignore-case": return .equalsIgnoringCase(text.lowercased())
    default:
      guard let pattern = FilterWildcard(text) else {
        throw invalid(path, "has two stars in a row, or a backslash before something other than * and \\")
      }
      return .wildcard(pattern)
    }
  }

  private func anythingBut(_ operand: JSONValue, at path: [String]) throws(SDError) -> [FilterPolicyTest] {
    if let object = operand.object {
      guard object.count == 1, let (name, inner) = object.members.first,
        ["prefix", "suffix", "equals-ignore-case", "wildcard"].contains(name)
      else { throw invalid(path, "combines with prefix, suffix, equals-ignore-case or wildcard, one of them") }
      var tests: [FilterPolicyTest] = []
      for element in inner.array ?? [inner] {
        guard let text = element.string else { throw invalid(path + [name], "must have strings, not \(element.kind)") }
        tests.append(try textual(name, text, at: path + [name]))
      }
      guard !tests.isEmpty else { throw invalid(path + [name], "has an empty array") }
      return tests
    }
    var tests: [FilterPolicyTest] = []
    for element in operand.array ?? [operand] {
      switch element {
      case .string, .number: tests.append(try test(element, at: path))
      default: throw invalid(path, "must have strings or numbers, not \(element.kind)")
      }
    }
    guard !tests.isEmpty else { throw invalid(path, "has an empty array") }
    return tests
  }

  /// `["=", n]`, one bound, or a lower bound and an upper one.
  private func numeric(_ elements: [JSONValue], at path: [String]) throws(SDError) -> FilterPolicyTest {
    guard elements.count == 2 || elements.count == 4 else {
      throw invalid(path, "must have an operator and a number, once or twice")
    }
    let first = try bound(elements[0], elements[1], at: path)
    guard elements.count == 4 else {
      switch first.name {
      case "=": return .numeric(above: first.bound, below: first.bound)
      case ">", ">=": return .numeric(above: first.bound, below: nil)
      default: return .numeric(above: nil, below: first.bound)
      }
    }
    let second = try bound(elements[2], elements[3], at: path)
    guard first.name.hasPrefix(">"), second.name.hasPrefix("<") else {
      throw invalid(path, "must have a range as > or >= and then < or <=")
    }
    guard first.bound.number < second.bound.number else {
      throw invalid(path, "has a bottom that is not less than its top")
    }
    return .numeric(above: first.bound, below: second.bound)
  }

  private func bound(
    _ name: JSONValue, _ value: JSONValue, at path: [String]
  ) throws(SDError) -> (name: String, bound: FilterNumber.Bound) {
    guard let name = name.string, ["<", "<=", "=", ">", ">="].contains(name) else {
      throw invalid(path, "has an operator other than < <= = >= >")
    }
    guard case .number(let number) = value else {
      throw invalid(path, "must have a number after \(name), not \(value.kind)")
    }
    return (name, .init(number: try self.number(number, at: path), isIncluded: name.hasSuffix("=")))
  }
}
