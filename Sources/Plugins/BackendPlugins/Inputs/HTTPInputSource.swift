public import HTTPTransport
import HTTPTypes
public import ImageKit
public import SDCore

/// Brings in images by http, https, s3 and data URLs, from public addresses alone unless configured otherwise.
///
/// Each address is judged as it is connected to, redirects included, so that neither a name that resolves to a private
/// address nor a redirect leads inside. What is brought in is a whole picture of a bearable size, or an error. It is kept
/// for some minutes, and used again when its server says that it has not changed.
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
    /// Bytes of inputs that are kept for being asked for again; 0 keeps none.
    public var cacheBytes = 64 << 20
    /// For tests: what to ask in place of a host (`http://127.0.0.1:8080`), by its name in small letters; whatever its
    /// address.
    public var hosts: [String: String] = [:]

    /// The defaults: public addresses, 32 MiB, 30 s, 3 redirects.
    public init() {}
  }

  /// Reads an object of a bucket; `nil` where it still has the entity tag that is known. It throws `SDError` with `denied`
  /// for what the runtime may not read.
  public typealias Objects = @Sendable (_ bucket: String, _ key: String, _ known: String?) async throws -> InputObject?

  public var maximumBytes: Int { configuration.maximumBytes }

  private let transport: any Transport
  private let configuration: Configuration
  private let clocks: Clocks
  private let objects: Objects?
  private let cache: InputCache

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
    cache = InputCache(budget: configuration.cacheBytes, clocks: clocks)
  }

  @concurrent
  public func fetch(_ reference: String, onLength: @escaping @Sendable (Int) -> Void) async throws -> [UInt8] {
    let scheme = reference.prefix(8).prefix { $0 != ":" }.lowercased()
    switch scheme {
    case "http", "https":
      guard let url = InputURL(reference) else { throw Self.refused("the URL of an input names no host") }
      return try await download(url, onLength)
    case "s3": return try await read(reference)
    case "data":
      let bytes = try Self.decode(reference, limit: configuration.maximumBytes)
      try check(bytes, "a data: URL")
      return bytes
    default: throw Self.refused("an input must be an http, https, s3 or data URL")
    }
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

/// An object that is an input.
public struct InputObject: Sendable {
  /// Its bytes.
  public var bytes: [UInt8]
  /// Its entity tag, where it has one.
  public var etag: String?
  /// An object that is an input.
  public init(bytes: [UInt8], etag: String?) { (self.bytes, self.etag) = (bytes, etag) }
}

// MARK: - http and https

extension HTTPInputSource {
  private func download(_ first: InputURL, _ onLength: @Sendable (Int) -> Void) async throws -> [UInt8] {
    let end = clocks.instant.advanced(by: configuration.timeout)
    var url = first
    for _ in 0...configuration.maximumRedirects {
      let known = cache.find(url.text)
      if let known, known.isFresh { return known.bytes }
      let left = clocks.instant.duration(to: end)
      guard left > .zero else {
        throw Self.unreachable(url, "did not answer within \(configuration.timeout.seconds) s")
      }
      let (head, body) = try await get(url, known?.validators, within: left, onLength)
      switch head.status.code {
      case 200:
        try check(body, first.shown)
        if let terms = InputCache.terms(of: head.headerFields) {
          cache.keep(body, for: url.text, terms.validators, freshness: terms.freshness)
        }
        return body
      case 304:
        guard let known else { throw Self.unreachable(url, "answered 304 to what was no such question") }
        return known.bytes
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

  private func get(
    _ url: InputURL, _ known: InputCache.Validators?, within limit: Duration, _ onLength: @Sendable (Int) -> Void
  ) async throws -> (head: HTTPResponse, body: [UInt8]) {
    var options = TransferOptions(totalTimeout: limit, maximumResponseBytes: Int64(configuration.maximumBytes))
    options.connectTimeout = min(limit, .seconds(5))
    options.policy = configuration.policy
    do {
      var fields = HTTPFields()
      fields[.accept] = "image/*"
      fields[.userAgent] = "stable-diffusion-on-demand"
      fields[.ifNoneMatch] = known?.etag
      if known?.etag == nil { fields[.ifModifiedSince] = known?.modified }
      let standIn = configuration.hosts[url.host]
      if standIn != nil { options.policy = OpenPolicy(usesEnvironmentProxies: false) }
      let request = try HTTPRequest(url: standIn.map { $0 + url.path } ?? url.text, headerFields: fields)
      let response = try await transport.execute(request, body: .none, options: options)
      // What an error or a redirect says beside its head is not wanted; dropping it ends the exchange.
      guard response.head.status.code == 200 else { return (response.head, []) }
      if let length = response.body.expectedBytes { onLength(Int(length)) }
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
    let shown = String(reference.prefix(200))
    let known = cache.find(reference)
    do {
      guard let object = try await objects(String(bucket), String(key), known?.validators.etag) else {
        guard let known else { throw SDError(.notFound, "there is no such object") }
        return known.bytes
      }
      try check(object.bytes, shown)
      cache.keep(object.bytes, for: reference, .init(etag: object.etag))
      return object.bytes
    } catch let error as SDError {
      switch error.code {
      case .denied, .invalid: throw Self.refused("\(shown) may not be read by this runtime")
      case .tooLarge: throw tooLarge(shown)
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
