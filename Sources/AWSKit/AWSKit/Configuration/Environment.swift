import FoundationEssentials
import Glibc

/// Environment variables as the AWS SDKs read them: an empty one is none.
public struct Environment: Sendable {
  /// All variables.
  public var variables: [String: String]

  /// An environment of one's own.
  public init(_ variables: [String: String]) { self.variables = variables }

  /// The process's environment at this moment.
  public static var process: Environment { Environment(ProcessInfo.processInfo.environment) }

  /// A variable's value; `nil` when it is unset or empty.
  public subscript(name: String) -> String? {
    guard let value = variables[name], !value.isEmpty else { return nil }
    return value
  }

  /// Whether a variable says `true`, in any case; `nil` when it is unset.
  func flag(_ name: String) -> Bool? { self[name].map { $0.lowercased() == "true" } }

  /// The home directory: `HOME`, else what the user database says.
  var home: String {
    if let home = self["HOME"] { return home }
    guard let entry = getpwuid(getuid()), let directory = entry.pointee.pw_dir else { return "/" }
    return String(cString: directory)
  }

  /// A path with `~/` and `$NAME` or `${NAME}` replaced; unknown names stay as they are.
  func expand(_ path: String) -> String {
    var result = ""
    var rest = path[...]
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      let after = rest[rest.index(after: dollar)...]
      let braced = after.first == "{"
      let name = (braced ? after.dropFirst() : after).prefix {
        braced ? $0 != "}" : $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")
      }
      if let value = variables[String(name)], !name.isEmpty, !braced || name.endIndex < after.endIndex {
        result += value
        rest = after[name.endIndex...].dropFirst(braced ? 1 : 0)
      } else {
        result += "$"
        rest = after
      }
    }
    result += rest
    if result == "~" { return home }
    return result.hasPrefix("~/") ? home + result.dropFirst() : result
  }
}

extension Environment: CustomStringConvertible, CustomReflectable {
  /// How many variables there are; keys may be among them, so no value is shown.
  public var description: String { "\(variables.count) variables" }
  /// How many variables there are.
  public var customMirror: Mirror { Mirror(self, children: ["count": variables.count]) }
}
