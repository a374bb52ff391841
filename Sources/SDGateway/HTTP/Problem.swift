package import HTTPTypes
package import SDCore

/// An error as v1's clients are told it: RFC 9457, `application/problem+json`.
package struct Problem: Error, Sendable {
  /// The status of the answer.
  package var status: HTTPResponse.Status
  /// What is wrong, for people.
  package var detail: String
  /// What is wrong field by field.
  package var errors: [RequestProblemField]
  /// Header fields of the answer, `Allow` or `Retry-After`.
  package var headers: HTTPFields

  package init(
    _ status: HTTPResponse.Status, _ detail: String, errors: [RequestProblemField] = [], headers: HTTPFields = [:]
  ) {
    (self.status, self.detail, self.errors, self.headers) = (status, detail, errors, headers)
  }

  /// What an error of the layers below means to a client.
  init(_ error: any Error) {
    switch error {
    case let problem as Problem: self = problem
    case let problem as RequestProblem:
      self.init(.unprocessableContent, problem.detail, errors: problem.fields)
    case let error as SDError: self.init(error)
    default: self.init(.internalServerError, "the request could not be handled")
    }
  }

  private init(_ error: SDError) {
    switch error.code {
    case .notFound: self.init(.notFound, error.message)
    case .conflict: self.init(.conflict, error.message)
    case .tooLarge: self.init(.contentTooLarge, error.message)
    case .invalid: self.init(.badRequest, error.message)
    case .unsupported: self.init(.unprocessableContent, error.message)
    case .denied: self.init(.forbidden, error.message)
    case .throttled: self.init(.tooManyRequests, error.message, headers: [.retryAfter: "2"])
    case .unavailable, .timeout, .full:
      self.init(.serviceUnavailable, "the service cannot do that for now; try again", headers: [.retryAfter: "2"])
    case .corrupt: self.init(.internalServerError, "what was stored is damaged")
    case .configuration, .internal: self.init(.internalServerError, "the request could not be handled")
    }
  }

  /// The problem as it goes over the wire; `instance` is the path that was asked for.
  func json(instance: String) -> JSONValue {
    var body: JSONValue = [
      "type": "about:blank", "title": .string(status.reasonPhrase), "status": .int(status.code),
      "detail": .string(detail), "instance": .string(instance),
    ]
    if !errors.isEmpty {
      body["errors"] = .array(errors.map { ["pointer": .string($0.pointer), "detail": .string($0.detail)] })
    }
    return body
  }

  /// The answer; `instance` is the path that was asked for.
  func response(instance: String) -> GatewayResponse {
    var headers = headers
    headers[.contentType] = "application/problem+json"
    return .json(status, json(instance: instance), headers: headers)
  }
}

package typealias RequestProblemField = RequestProblem.Field
