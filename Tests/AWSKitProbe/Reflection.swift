import AWSKit
import FoundationEssentials

/// Any value as JSON: members by name, dates in seconds since 1970, bytes in base64, and the type's name as `_`.
enum Reflection {
  static func json(_ value: Any) -> JSONValue {
    switch value {
    case let text as String: return .string(text)
    case let bool as Bool: return .bool(bool)
    case let number as any BinaryInteger: return .number(Double(number))
    case let number as Double: return .number(number)
    case let date as Date: return .number(date.timeIntervalSince1970)
    case let code as AWSError.Code: return .string(code.rawValue)
    case let raw as any RawRepresentable<String>: return .string(raw.rawValue)
    // These hide their secrets from mirrors.
    case let credentials as Credentials:
      return object(
        "Credentials",
        [
          ("accessKeyID", credentials.accessKeyID), ("secretAccessKey", credentials.secretAccessKey),
          ("sessionToken", credentials.sessionToken as Any), ("expiration", credentials.expiration as Any),
        ])
    case let authorization as ECR.Authorization:
      return object(
        "Authorization",
        [
          ("user", authorization.user), ("password", authorization.password),
          ("registryURL", authorization.registryURL as Any), ("expiresAt", authorization.expiresAt as Any),
        ])
    case let key as APIGateway.APIKey:
      return object(
        "APIKey",
        [
          ("id", key.id), ("name", key.name as Any), ("value", key.value as Any), ("isEnabled", key.isEnabled),
        ])
    default: break
    }
    // By its exact type: an empty list of anything can be cast to a list of bytes.
    if type(of: value) == [UInt8].self, let bytes = value as? [UInt8] { return .string(base64(bytes)) }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional: return mirror.children.first.map { json($0.value) } ?? .null
    case .collection, .set: return .array(mirror.children.map { json($0.value) })
    case .dictionary:
      var members: [String: JSONValue] = [:]
      for (_, pair) in mirror.children {
        let parts = Array(Mirror(reflecting: pair).children)
        if parts.count == 2, let key = parts[0].value as? String { members[key] = json(parts[1].value) }
      }
      return .object(members)
    case .tuple where mirror.children.isEmpty: return .null
    case .enum: return .string("\(value)")
    default: return object("\(type(of: value))", mirror.children.map { ($0.label ?? "", $0.value) })
    }
  }

  private static func object(_ type: String, _ members: [(String, Any)]) -> JSONValue {
    var found: [String: JSONValue] = ["_": .string(type)]
    for (name, value) in members { found[name] = json(value) }
    return .object(found)
  }

  static func base64(_ bytes: some Sequence<UInt8>) -> String { Data(bytes).base64EncodedString() }
}
