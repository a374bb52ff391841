internal import HTTPTransport
internal import HTTPTypes
public import SDCore

/// Why a call to the task API failed.
public struct SDClientError: Error, Sendable {
  /// The kinds that callers tell apart.
  public enum Code: String, Sendable, Hashable {
    /// No connection to the server came about, or it broke.
    case unreachable
    /// The server said no; `status` and `problem` say why.
    case refused
    /// A deadline passed.
    case timeout
    /// The answer is none of this API.
    case unexpected
    /// What was asked for cannot be: an address that is none.
    case invalid
    /// A file could not be written.
    case file
  }

  /// What the server says is wrong: RFC 9457's members.
  public struct Problem: Sendable, Hashable {
    /// The kind of problem in a few words.
    public var title: String
    /// What is wrong with this request.
    public var detail: String
    /// What is wrong field by field.
    public var errors: [RequestProblem.Field]
  }

  /// What kind of failure it is.
  public var code: Code
  /// What was attempted on what, and how it failed; with everything that the server said is wrong.
  public var message: String
  /// The status of the answer, where there was one.
  public var status: Int?
  /// What the server says is wrong, where it said so.
  public var problem: Problem?
  /// How long the server asks to be left alone, where it said so.
  public var retryAfter: Duration?
  /// What the transport said.
  public var underlying: (any Error)?

  init(_ code: Code, _ message: String, status: Int? = nil, problem: Problem? = nil, underlying: (any Error)? = nil) {
    (self.code, self.message, self.status) = (code, message, status)
    (self.problem, self.underlying) = (problem, underlying)
  }

  /// Whether the same call may succeed later.
  public var isRetryable: Bool {
    switch code {
    case .unreachable, .timeout: true
    case .refused: status == 429 || status == 502 || status == 503 || status == 504
    case .unexpected, .invalid, .file: false
    }
  }

  /// What an answer that is no success means.
  init(_ head: HTTPResponse, body: [UInt8], server: String) {
    self.init(status: head.status.code, try? JSONValue(parsing: body), body: body, server: server)
    // Seconds; the form with a date is not what this API sends.
    retryAfter = head.headerFields[.retryAfter].flatMap { Int64($0) }.flatMap {
      $0 >= 0 ? .seconds(min($0, 86_400)) : nil
    }
  }

  init(status: Int, _ json: JSONValue?, body: [UInt8] = [], server: String) {
    guard let json, let detail = json["detail"]?.string else {
      let text = String(decoding: body.prefix(300), as: UTF8.self).trimmingSpaces
      self.init(.refused, "\(server) answered \(status)" + (text.isEmpty ? "" : ": \(text)"), status: status)
      return
    }
    let fields = (json["errors"]?.array ?? []).map {
      RequestProblem.Field($0["pointer"]?.string ?? "", $0["detail"]?.string ?? "")
    }
    let problem = Problem(title: json["title"]?.string ?? "", detail: detail, errors: fields)
    self.init(
      .refused, ([detail] + fields.map { "\($0.pointer) \($0.detail)" }).joined(separator: "\n  "), status: status,
      problem: problem)
  }

  /// What a failed exchange means; a cancelled one is a `CancellationError`.
  static func failure(_ error: TransportError, _ server: String) -> any Error {
    switch error.code {
    case .cancelled: CancellationError()
    case .timeout: SDClientError(.timeout, "\(server) did not answer in time", underlying: error)
    case .nameNotResolved, .connectionFailed, .addressRefused, .tlsFailed, .connectionLost, .closed:
      SDClientError(.unreachable, "\(server) cannot be reached: \(error.message)", underlying: error)
    case .invalidRequest, .bodyFailed: SDClientError(.invalid, error.message, underlying: error)
    case .tooLarge: SDClientError(.unexpected, "\(server): \(error.message)", underlying: error)
    }
  }
}

extension SDClientError: CustomStringConvertible {
  /// The message.
  public var description: String { message }
}
