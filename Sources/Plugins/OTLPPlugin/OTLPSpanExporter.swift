public import HTTPTransport
import HTTPTypes
public import SDCore

/// Spans to an OpenTelemetry collector by OTLP over HTTP, in JSON.
///
/// As the specification has it (OpenTelemetry Protocol 1.x, "OTLP/HTTP"): 429, 502, 503 and 504 may be sent again, other
/// failures not, and what a collector rejects of a batch is an error that says how many.
public struct OTLPSpanExporter: SpanExporter {
  /// How spans are sent.
  public struct Configuration: Sendable, Hashable {
    /// Where to: the whole URL, `http://localhost:4318/v1/traces`.
    public var url: String
    /// Further header fields, such as an API key.
    public var headers: [String: String]
    /// What the spans' makers have in common, `deployment.environment.name` and the like; the service's name is added.
    public var resource: [String: String]
    /// The longest that one request may take.
    public var timeout = Duration.seconds(10)

    /// A collector by its URL.
    ///
    /// - Parameter base: without the path of the signal, which is added: `http://localhost:4318`.
    public init(base: String, headers: [String: String] = [:], resource: [String: String] = [:]) {
      let trimmed = base.hasSuffix("/") ? String(base.dropLast()) : base
      url = trimmed.hasSuffix("/v1/traces") ? trimmed : trimmed + "/v1/traces"
      (self.headers, self.resource) = (headers, resource)
    }
  }

  private let configuration: Configuration
  private let transport: any Transport
  private let request: HTTPRequest
  private let end = ExporterEnd()

  /// An exporter to a collector.
  ///
  /// - Throws: `.configuration` for an URL or header fields that cannot be used.
  public init(_ configuration: Configuration, transport: any Transport) throws(SDError) {
    (self.configuration, self.transport) = (configuration, transport)
    var fields = HTTPFields()
    fields[.contentType] = "application/json"
    fields[.userAgent] = "stable-diffusion-on-demand OTLP exporter"
    for (name, value) in configuration.headers {
      guard let field = HTTPField.Name(name) else {
        throw SDError(.configuration, "\(name.debugDescription) is no name of a header field")
      }
      fields[field] = value
    }
    do {
      request = try HTTPRequest(method: .post, url: configuration.url, headerFields: fields)
    } catch {
      throw SDError(.configuration, "\(configuration.url) is no URL of a collector: \(error.message)")
    }
  }

  public func shutdown() async { end.reach() }

  public func export(_ spans: [FinishedSpan]) async throws {
    try end.check()
    guard !spans.isEmpty else { return }
    let body = OTLPRequest(spans, resource: configuration.resource).json.serialized()
    let (head, answer): (HTTPResponse, [UInt8])
    do {
      (head, answer) = try await transport.send(
        request, body: .bytes(body), upTo: 1 << 20, options: .init(totalTimeout: configuration.timeout))
    } catch {
      if error.code == .cancelled { throw CancellationError() }
      throw SDError(
        error.code == .timeout ? .timeout : .unavailable, "sending \(spans.count) spans to \(configuration.url)",
        underlying: error)
    }
    switch head.status.code {
    case 200..<300: try checkTaken(answer, of: spans.count)
    case 429: throw refusal(.throttled, head)
    case 502, 503, 504: throw refusal(.unavailable, head)
    default: throw refusal(.invalid, head)
    }
  }

  private func refusal(_ code: SDError.Code, _ head: HTTPResponse) -> SDError {
    SDError(code, "sending spans to \(configuration.url): it answered \(head.status.code)")
  }

  /// `partialSuccess` tells of spans that were rejected; they must not be sent again.
  private func checkTaken(_ answer: [UInt8], of count: Int) throws(SDError) {
    guard let partial = (try? JSONValue(parsing: answer))?["partialSuccess"] else { return }
    let rejected = partial["rejectedSpans"]?.string.flatMap { Int($0) } ?? partial["rejectedSpans"]?.int ?? 0
    guard rejected > 0 else { return }
    let why = partial["errorMessage"]?.string ?? "it does not say why"
    throw SDError(.invalid, "\(configuration.url) rejected \(rejected) of \(count) spans: \(why)")
  }
}
