public import HTTPTransport
import HTTPTypes
public import ImageKit
public import SDCore

/// Brings in images by http, https, s3 and data URLs, from public addresses alone unless configured otherwise.
///
/// Each address is judged as it is connected to, redirects included, so that neither a name that resolves to a private
/// address nor a redirect leads inside. What is brought in is a whole picture of a bearable size, or an error.
public struct HTTPInputSource: InputSource {
  /// Limits and rules.
  public struct Configuration: Sendable {
    /// Who decides on the addresses that may be connected to.
    public var policy: any ConnectionPolicy = PublicAddressPolicy()
    /// The largest input, in bytes.
    public var maximumBytes = 32 << 20
    /// From the first request to the last byte, redirects included.
    public var timeout = Duration.seconds(30)
    /// How many redirects are followed.
    public var maximumRedirects = 3
    /// What pictures are taken.
    public var limits = ImageLimits()
    /// For tests: the authority (`127.0.0.1:8080`) to connect to in place of a host name, by name in small letters.
    public var hosts: [String: String] = [:]

    /// The defaults: public addresses, 32 MiB, 30 s, 3 redirects.
    public init() {}
  }

  /// Reads an object of a bucket; it throws `SDError` with `denied` for what the runtime may not read.
  public typealias Objects = @Sendable (_ bucket: String, _ key: String) async throws -> [UInt8]

  private let transport: any Transport
  private let configuration: Configuration
  private let clocks: Clocks
  private let objects: Objects?

  /// A source of inputs.
  ///
  /// - Parameters:
  ///   - transport: what carries the requests.
  ///   - configuration: limits and rules.
  ///   - clocks: what the time limit is told by.
  ///   - objects: reads what `s3:` URLs name; without it these are refused.
  public init(
    transport: any Transport, configuration: Configuration = .init(), clocks: Clocks = .system, objects: Objects? = nil
  ) {
    (self.transport, self.configuration, self.clocks, self.objects) = (transport, configuration, clocks, objects)
  }

  @concurrent
  public func fetch(_ reference: String) async throws -> [UInt8] {
    let bytes: [UInt8]
    let shown: String
    let scheme = reference.prefix(8).prefix { $0 != ":" }.lowercased()
    switch scheme {
    case "http", "https":
      guard let url = InputURL(reference) else { throw Self.refused("the URL of an input names no host") }
      (bytes, shown) = (try await download(url), url.shown)
    case "s3": (bytes, shown) = (try await read(reference), String(reference.prefix(200)))
    case "data": (bytes, shown) = (try Self.decode(reference, limit: configuration.maximumBytes), "a data: URL")
    default: throw Self.refused("an input must be an http, https, s3 or data URL")
    }
    try check(bytes, shown)
    return bytes
  }

  private func check(_ bytes: [UInt8], _ shown: String) throws(TaskError) {
    guard bytes.count <= configuration.maximumBytes else { throw tooLarge(shown) }
    do {
      try ImageInfo.verify(bytes.span, limits: configuration.limits)
    } catch {
      throw TaskError(.inputInvalid, .prepare, "what is at \(shown) is not a usable picture: \(error.message)")
    }
  }

  private func tooLarge(_ shown: String) -> TaskError {
    TaskError(.inputInvalid, .prepare, "what is at \(shown) is larger than \(configuration.maximumBytes) bytes")
  }

  private static func refused(_ why: String) -> TaskError { TaskError(.inputRefused, .prepare, why) }
}

// MARK: - http and https

extension HTTPInputSource {
  private func download(_ first: InputURL) async throws -> [UInt8] {
    let end = clocks.instant.advanced(by: configuration.timeout)
    var url = first
    for _ in 0...configuration.maximumRedirects {
      let left = clocks.instant.duration(to: end)
      guard left > .zero else {
        throw Self.unreachable(url, "did not answer within \(configuration.timeout.seconds) s")
      }
      let (head, body) = try await get(url, within: left)
      switch head.status.code {
      case 200: return body
      case 301, 302, 303, 307, 308:
        guard let location = head.headerFields[.location], let next = url.following(location) else {
          throw Self.refused("\(url.shown) redirects to what is no http or https URL")
        }
        url = next
      case let status:
        let mayPass = status == 408 || status == 425 || status == 429 || status >= 500
        throw Self.unreachable(url, "answered \(status)", retryable: mayPass)
      }
    }
    throw Self.refused("\(first.shown) redirects more than \(configuration.maximumRedirects) times")
  }

  private func get(_ url: InputURL, within limit: Duration) async throws -> (head: HTTPResponse, body: [UInt8]) {
    var options = TransferOptions(totalTimeout: limit, maximumResponseBytes: Int64(configuration.maximumBytes))
    options.connectTimeout = min(limit, .seconds(5))
    options.policy = configuration.policy
    do {
      var fields = HTTPFields()
      fields[.accept] = "image/*"
      fields[.userAgent] = "stable-diffusion-on-demand"
      var request = try HTTPRequest(url: url.text, headerFields: fields)
      if let authority = configuration.hosts[url.host] { request.authority = authority }
      let response = try await transport.execute(request, body: .none, options: options)
      // What an error or a redirect says beside its head is not wanted; dropping it ends the exchange.
      guard response.head.status.code == 200 else { return (response.head, []) }
      return (response.head, try await response.body.collect(upTo: configuration.maximumBytes))
    } catch {
      switch error.code {
      case .cancelled: throw CancellationError()
      case .addressRefused: throw Self.refused("\(url.shown) may not be fetched: \(error.message)")
      case .invalidRequest: throw Self.refused("\(url.shown) cannot be fetched: \(error.message)")
      case .tooLarge: throw tooLarge(url.shown)
      default: throw Self.unreachable(url, "could not be fetched: \(error.message)")
      }
    }
  }

  private static func unreachable(_ url: InputURL, _ what: String, retryable: Bool? = nil) -> TaskError {
    TaskError(.inputUnreachable, .prepare, "\(url.shown) \(what)", retryable: retryable)
  }
}

// MARK: - s3 and data

extension HTTPInputSource {
  private func read(_ reference: String) async throws -> [UInt8] {
    let rest = reference.dropFirst("s3://".count)
    let bucket = rest.prefix { $0 != "/" }
    let key = rest.dropFirst(bucket.count + 1)
    guard reference.dropFirst(2).hasPrefix("://"), !bucket.isEmpty, !key.isEmpty else {
      throw Self.refused("an s3: URL must name a bucket and a key")
    }
    guard let objects else { throw Self.refused("this runtime reads no s3: inputs") }
    let shown = reference.prefix(200)
    do {
      return try await objects(String(bucket), String(key))
    } catch let error as SDError {
      switch error.code {
      case .denied, .invalid: throw Self.refused("\(shown) may not be read by this runtime")
      case .tooLarge: throw tooLarge(String(shown))
      default:
        throw TaskError(
          .inputUnreachable, .prepare, "\(shown) could not be read: \(error.message)", retryable: error.isRetryable)
      }
    } catch let error as TaskError {
      throw error
    } catch {
      try Task.checkCancellation()
      throw TaskError(.inputUnreachable, .prepare, "\(shown) could not be read: \(error)")
    }
  }

  /// The bytes of a `data:` URL (RFC 2397); only base64 is taken.
  private static func decode(_ url: String, limit: Int) throws(TaskError) -> [UInt8] {
    guard let comma = url.utf8.prefix(256).firstIndex(of: UInt8(ascii: ",")),
      url[..<comma].lowercased().hasSuffix(";base64")
    else { throw TaskError(.inputInvalid, .prepare, "a data: URL must be base64") }
    let payload = url[url.index(after: comma)...]
    guard payload.utf8.count / 4 * 3 <= limit + 3 else {
      throw TaskError(.inputInvalid, .prepare, "a data: URL holds more than \(limit) bytes")
    }
    let text = payload.utf8.contains(UInt8(ascii: "%")) ? PercentEncoding.decode(payload) : String(payload)
    guard let text, let bytes = Base64.decode(text) else {
      throw TaskError(.inputInvalid, .prepare, "a data: URL is not base64")
    }
    return bytes
  }
}
