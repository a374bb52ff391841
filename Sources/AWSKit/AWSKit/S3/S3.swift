import HTTPTransport
import HTTPTypes
import Synchronization

/// Amazon Simple Storage Service.
///
/// Buckets go by name or by the ARN of an access point. Bodies stream both ways; what is sent carries a checksum, and
/// what is received is verified against the one that S3 keeps. A bucket in another region than the client's is found by
/// S3's redirect, once.
///
/// ```swift
/// let s3 = try S3(aws)
/// try await s3.putObject(.init(bucket: "pictures", key: "307-1.png", body: .bytes(png)))
/// let object = try await s3.getObject(.init(bucket: "pictures", key: "307-1.png"))
/// for try await chunk in object.body { … }
/// ```
public struct S3: Sendable {
  let core: ServiceClient
  private let places: Places

  /// A client of S3.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.s3, client, region: region, errorFormat: .s3)
    places = Places()
  }

  var settings: S3Settings { core.client.configuration.s3 }

  /// Where buckets are, as far as it was worked out.
  private final class Places: Sendable {
    static let capacity = 256
    let endpoints = Mutex<[String: Endpoint]>([:])
  }

  /// The endpoint of a bucket, or of calls without one.
  func endpoint(bucket: String?) throws(AWSError) -> Endpoint {
    if let known = places.endpoints.withLock({ $0[bucket ?? ""] }) { return known }
    let found = try S3Endpoint.resolve(bucket: bucket, region: core.region, endpoints: core.endpoints, s3: settings)
    remember(found, bucket)
    return found
  }

  private func remember(_ endpoint: Endpoint, _ bucket: String?) {
    places.endpoints.withLock { endpoints in
      if endpoints.count >= Places.capacity { endpoints.removeAll() }
      endpoints[bucket ?? ""] = endpoint
    }
  }

  /// The endpoint of a bucket that S3 says is in another region; `nil` when the error says no such thing.
  private func redirection(_ error: AWSError, bucket: String?) -> Endpoint? {
    guard let bucket, !bucket.hasPrefix("arn:"), let region = error.details["BucketRegion"] ?? error.details["Region"],
      error.status == 301 || error.status == 307 || error.status == 400 || error.status == 403,
      core.endpoints.serviceURLs["s3"] ?? core.endpoints.url == nil,
      let known = try? endpoint(bucket: bucket), (known.signingRegion ?? core.region) != region,
      var found = try? S3Endpoint.resolve(bucket: bucket, region: region, endpoints: core.endpoints, s3: settings)
    else { return nil }
    found.signingRegion = found.signingRegion ?? region
    remember(found, bucket)
    return found
  }

  // MARK: Calls

  private static let paidLists: Set<String> = [
    "DeleteObjects", "ListMultipartUploads", "ListObjectVersions", "ListObjectsV2",
  ]

  /// A call on a bucket or one of its objects.
  func call(
    _ operation: String, _ method: HTTPRequest.Method, bucket: String?, key: String? = nil, query: S3Query = .init()
  )
    throws(AWSError) -> ServiceCall
  {
    var call = ServiceCall(operation)
    call.method = method
    do throws(AWSError) {
      call.endpoint = try endpoint(bucket: bucket)
      if let key, key.isEmpty { throw AWSError(.invalidInput, "an object needs a key of at least one character") }
    } catch {
      throw core.named(error, call)
    }
    var target: [UInt8] = []
    target.reserveCapacity((key?.utf8.count ?? 0) + query.bytes.count + 16)
    // In path style the bucket ends the endpoint's path, and S3 takes it without a slash behind.
    if key != nil || (call.endpoint?.path.isEmpty ?? true) || bucket == nil { target.append(UInt8(ascii: "/")) }
    if let key { PercentEncoding.append(key.utf8, to: &target, keepingSlash: true) }
    target.append(contentsOf: query.bytes)
    call.target = String(decoding: target, as: UTF8.self)
    // Buckets themselves are made and asked for by their owners.
    if settings.paysForRequests, key != nil || Self.paidLists.contains(operation) {
      call.fields.append(HTTPField(name: .requestPayer, value: "requester"))
    }
    return call
  }

  /// Makes a call, and once more where S3 says that the bucket is elsewhere.
  func perform<T: Sendable>(
    _ call: ServiceCall, bucket: String?, read: @Sendable (TransportResponse) async throws(AWSError) -> T
  ) async throws(AWSError) -> T {
    do {
      return try await core.perform(call, read: read)
    } catch {
      guard let elsewhere = redirection(error, bucket: bucket) else { throw error }
      var call = call
      call.endpoint = elsewhere
      return try await core.perform(call, read: read)
    }
  }

  /// Makes a call whose answer has nothing to read but its head.
  func head<T: Sendable>(_ call: ServiceCall, bucket: String?, _ read: @Sendable (HTTPResponse) throws(AWSError) -> T)
    async throws(AWSError) -> T
  {
    let head = try await perform(call, bucket: bucket) { response throws(AWSError) in
      // Read to its end, so that the connection can be used again.
      _ = try await ServiceClient.collect(response, upTo: 1 << 20)
      return response.head
    }
    do { return try read(head) } catch { throw core.named(error, call) }
  }

  /// Makes a call whose answer is XML; an error under status 200 is one like any other.
  func xml<T: Sendable>(
    _ call: ServiceCall, bucket: String?, _ read: @Sendable (XMLElement, HTTPResponse) throws(AWSError) -> T
  ) async throws(AWSError) -> T {
    let (document, head) = try await perform(call, bucket: bucket) { response throws(AWSError) in
      let body = try await ServiceClient.collect(response, upTo: call.answerLimit)
      let document = try XMLDocument(body)
      if let error = AWSError.hidden(in: document, of: response.head) { throw error }
      return (document, response.head)
    }
    do { return try read(document.root, head) } catch { throw core.named(error, call) }
  }
}

/// The query of a call of S3.
struct S3Query {
  private(set) var bytes: [UInt8] = []

  init(_ subresource: StaticString? = nil) {
    if let subresource {
      bytes.append("?")
      bytes.append(subresource)
    }
  }

  mutating func add(_ name: StaticString, _ value: String?) {
    guard let value else { return }
    bytes.append(bytes.isEmpty ? "?" : "&")
    bytes.append(name)
    bytes.append("=")
    PercentEncoding.append(value.utf8, to: &bytes)
  }

  mutating func add(_ name: StaticString, _ value: Int?) { add(name, value.map { String($0) }) }
}

extension HTTPFields {
  /// Adds a field, unless there is no value.
  mutating func add(_ name: HTTPField.Name, _ value: String?) {
    guard let value else { return }
    append(HTTPField(name: name, value: value))
  }
}
