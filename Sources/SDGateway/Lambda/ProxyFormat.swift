import HTTPTypes
import SDCore

import struct FoundationEssentials.Data

/// The forms in which requests come to a function and answers leave it.
enum ProxyFormat {
  /// REST APIs, HTTP APIs with payload format 1.0, load balancers ("Input format of a Lambda function for proxy
  /// integration", Amazon API Gateway developer guide).
  case version1
  /// HTTP APIs with payload format 2.0, function URLs ("Create AWS Lambda proxy integrations for HTTP APIs").
  case version2

  /// The form of an event; `nil` for one that is no request.
  init?(of event: JSONValue) {
    if event["requestContext"]?["http"]?["method"]?.string != nil {
      self = .version2
    } else if event["httpMethod"]?.string != nil {
      self = .version1
    } else {
      return nil
    }
  }

  /// The request of an event; `nil` for one that makes no sense.
  func request(_ event: JSONValue) -> GatewayRequest? {
    let context = event["requestContext"]
    let name = self == .version1 ? event["httpMethod"] : context?["http"]?["method"]
    guard let method = name?.string.flatMap({ HTTPRequest.Method($0) }), let path = path(of: event) else { return nil }
    var request = GatewayRequest(method, path, headers: headers(of: event))
    request.query = query(of: event)
    guard let body = body(of: event) else { return nil }
    request.body = body
    let identity = self == .version1 ? context?["identity"] : context?["http"]
    request.client = identity?["sourceIp"]?.string
    request.letInAs = context?["identity"]?["apiKeyId"]?.string
    return request
  }

  /// The path below the stage.
  private func path(of event: JSONValue) -> String? {
    guard self == .version2 else { return event["path"]?.string }
    guard let path = event["rawPath"]?.string else { return nil }
    // A named stage of an HTTP API stands in front of the path.
    guard let stage = event["requestContext"]?["stage"]?.string, stage != "$default",
      path == "/\(stage)" || path.hasPrefix("/\(stage)/")
    else { return path }
    let rest = path.dropFirst(stage.utf8.count + 1)
    return rest.isEmpty ? "/" : String(rest)
  }

  private func headers(of event: JSONValue) -> HTTPFields {
    var fields = HTTPFields()
    func add(_ name: String, _ value: String?) {
      guard let name = HTTPField.Name(name), let value, HTTPField.isValidValue(value) else { return }
      fields.append(HTTPField(name: name, value: value))
    }
    if let all = event["multiValueHeaders"]?.object, !all.isEmpty {
      for member in all.members { for value in member.value.array ?? [] { add(member.name, value.string) } }
    } else {
      for member in event["headers"]?.object?.members ?? [] { add(member.name, member.value.string) }
    }
    return fields
  }

  private func query(of event: JSONValue) -> [(name: String, value: String?)] {
    if self == .version2 { return PercentCoding.query(event["rawQueryString"]?.string ?? "") }
    if let all = event["multiValueQueryStringParameters"]?.object, !all.isEmpty {
      return all.members.flatMap { member in
        (member.value.array ?? []).compactMap { value in value.string.map { (member.name, $0) } }
      }
    }
    return (event["queryStringParameters"]?.object?.members ?? []).compactMap { member in
      member.value.string.map { (member.name, $0) }
    }
  }

  private func body(of event: JSONValue) -> [UInt8]? {
    guard let text = event["body"]?.string else { return [] }
    guard event["isBase64Encoded"]?.bool == true else { return Array(text.utf8) }
    return Data(base64Encoded: text).map { Array($0) }
  }

  /// The answer in this form.
  func answer(_ status: HTTPResponse.Status, _ headers: HTTPFields, _ body: [UInt8]) -> JSONValue {
    let text = Self.isText(headers[.contentType]) ? String(validating: body, as: UTF8.self) : nil
    var fields = JSONObject()
    for field in headers {
      let before = fields[field.name.rawName]?.string.map { $0 + ", " } ?? ""
      fields[field.name.rawName] = .string(before + field.value)
    }
    return [
      "statusCode": .int(status.code), "headers": .object(fields),
      "body": .string(text ?? Data(body).base64EncodedString()), "isBase64Encoded": .bool(text == nil),
    ]
  }

  private static func isText(_ type: String?) -> Bool {
    guard let type = type?.lowercased() else { return true }
    return type.hasPrefix("text/") || type.hasPrefix("application/json") || type.hasPrefix("application/problem+json")
  }
}
