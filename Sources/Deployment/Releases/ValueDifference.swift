public import SDCore

/// A value of a release that is another than it was.
public struct ValueDifference: Sendable, Hashable {
  /// The value's place: `engine.image.tag`.
  public var path: String
  /// What it was; `nil` where it was not there.
  public var before: JSONValue?
  /// What it is to be; `nil` where it is to go.
  public var after: JSONValue?

  /// The differences between two objects; lists are compared whole.
  static func all(from before: JSONObject, to after: JSONObject, below path: String = "") -> [ValueDifference] {
    var names = before.members.map(\.name)
    names += after.members.map(\.name).filter { before[$0] == nil }
    return names.flatMap { name -> [ValueDifference] in
      let place = path.isEmpty ? name : "\(path).\(name)"
      let (old, new) = (before[name], after[name])
      if case .object(let old)? = old, case .object(let new)? = new { return all(from: old, to: new, below: place) }
      return old == new ? [] : [ValueDifference(path: place, before: old, after: new)]
    }
  }
}
