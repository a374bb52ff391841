import FoundationEssentials

/// The body of a call in the query protocol: `Action=…&Version=…&Name.1=…`, written once, on bytes.
struct QueryForm {
  private(set) var bytes: [UInt8] = []

  init(action: String, version: String) {
    bytes.reserveCapacity(1024)
    bytes.append("Action=")
    bytes.append(action)
    bytes.append("&Version=")
    bytes.append(version)
  }

  private mutating func name(_ name: some Collection<UInt8>) {
    bytes.append(UInt8(ascii: "&"))
    bytes.append(contentsOf: name)
    bytes.append(UInt8(ascii: "="))
  }

  /// Adds a parameter, unless there is no value; names are ASCII of this library's own.
  mutating func add(_ name: String, _ value: String?) {
    guard let value else { return }
    self.name(name.utf8)
    PercentEncoding.append(value.utf8, to: &bytes)
  }

  mutating func add(_ name: String, _ value: Int?) {
    guard let value else { return }
    self.name(name.utf8)
    bytes.append(decimal: value)
  }

  mutating func add(_ name: String, _ value: Bool?) { add(name, value.map { $0 ? "true" : "false" }) }

  mutating func add(_ name: String, _ value: Date?) { add(name, value.map { WireTime($0).iso8601 }) }

  /// Adds bytes in base64.
  mutating func add(_ name: String, base64 value: [UInt8]?) { add(name, value.map { Data($0).base64EncodedString() }) }

  /// Adds `name.1`, `name.2`, …; an empty list is an empty parameter, as the AWS CLI sends it.
  mutating func add(_ name: String, list: [String]?) {
    guard let list else { return }
    if list.isEmpty { add(prefix(name), "") }
    for (index, value) in list.enumerated() { add("\(name).\(index + 1)", value) }
  }

  /// Adds a list's members one after the other.
  mutating func add<T>(_ name: String, each list: [T]?, _ write: (inout QueryForm, String, T) -> Void) {
    guard let list else { return }
    if list.isEmpty { add(prefix(name), "") }
    for (index, value) in list.enumerated() { write(&self, "\(name).\(index + 1)", value) }
  }

  /// Adds `name.1.Name=…&name.1.Value=…`, in the order of the keys, so that equal inputs are equal bytes.
  mutating func add(_ name: String, map: [String: String]?, key: String, value: String) {
    for (index, pair) in (map ?? [:]).sorted(by: { $0.key < $1.key }).enumerated() {
      add("\(name).\(index + 1).\(key)", pair.key)
      add("\(name).\(index + 1).\(value)", pair.value)
    }
  }

  /// `Names.member` is `Names`: an empty list has no member to be named.
  private func prefix(_ name: String) -> String { name.hasSuffix(".member") ? String(name.dropLast(7)) : name }
}
