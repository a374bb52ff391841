import HTTPTypes
import SDCore

extension FrontDoor {
  private static let presignedFor: Duration = .seconds(3600)

  /// `GET /v1/tasks/{id}/outputs/{n}`.
  func output(_ number: Int, of id: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let record = try await find(id, request).record
    guard number <= record.outputs.count else {
      throw Problem(
        .notFound, "task \(id) is \(view(record).state.rawValue) and has \(record.outputs.count) outputs")
    }
    let output = record.outputs[number - 1]
    if let side = try request.integer("thumb", in: Thumbnails.sides) {
      return try await thumbnail(of: output, side: side, request)
    }
    if let url = await ownURL(of: output.key) {
      return GatewayResponse(.found, headers: [.location: url, .cacheControl: "no-store"])
    }
    let name = output.key.split(separator: "/").last.map(String.init) ?? id
    var headers: HTTPFields = [.contentType: output.contentType, .eTag: "\"\(output.sha256)\""]
    headers[.contentDisposition] = "inline; filename=\"\(name.filter { $0 != "\"" && $0 != "\\" })\""
    return try await object(output.key, headers: headers, request)
  }

  /// `GET /v1/tasks/{id}/outputs/{n}/link`: a URL that needs no key, for an hour.
  func outputLink(_ number: Int, of id: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let record = try await find(id, request).record
    guard number <= record.outputs.count else {
      throw Problem(
        .notFound, "task \(id) is \(view(record).state.rawValue) and has \(record.outputs.count) outputs")
    }
    let key = record.outputs[number - 1].key
    guard let url = await presigned(key) else {
      throw Problem(.notFound, "the store of this deployment has no links that need no key")
    }
    let end = services.clocks.timestamp + Self.presignedFor
    return .json(.ok, ["url": .string(url), "expires_at": .string(end.description)])
  }

  /// An output made small: always bytes of ours, whatever URLs the store has.
  private func thumbnail(
    of output: TaskOutput, side: Int, _ request: GatewayRequest
  ) async throws -> GatewayResponse {
    guard Thumbnails.sources.contains(output.contentType) else {
      throw Problem(
        .unprocessableContent, "thumbnails are made of PNG, JPEG and WebP; this output is \(output.contentType)")
    }
    let headers = Self.stored(
      [.contentType: Thumbnails.contentType, .eTag: "\"\(output.sha256)-\(side)\""])
    if Self.isKnown(headers, to: request) { return GatewayResponse(.notModified, headers: headers) }
    let name = Thumbnails.Name(key: output.key, sha256: output.sha256, side: side)
    let bytes = try await thumbnails.picture(name, from: services.store)
    return GatewayResponse(.ok, headers: headers, body: .bytes(bytes))
  }

  /// The URL under which the store itself hands an object out; `nil` for stores that have none, or have it from us.
  private func ownURL(of key: String) async -> String? {
    services.store.presignedAccess == nil ? await presigned(key) : nil
  }

  /// A URL that a browser can open, for an hour; `nil` for stores that have none.
  private func presigned(_ key: String) async -> String? {
    guard let url = try? await services.store.presign(key, .get, expires: Self.presignedFor),
      url.hasPrefix("https://") || url.hasPrefix("http://")
    else { return nil }
    return url
  }

  /// `GET /files/{bucket}/{key}`, presigned.
  func getObject(_ key: String, in bucket: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    try verify(key, in: bucket, .get, request)
    let info = try await services.store.head(key)
    return try await object(
      key,
      headers: [
        .contentType: info.contentType ?? "application/octet-stream", .eTag: "\"\(info.etag.filter { $0 != "\"" })\"",
      ],
      request)
  }

  /// `PUT /files/{bucket}/{key}`, presigned.
  func putObject(_ key: String, in bucket: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    try verify(key, in: bucket, .put, request)
    let type = request.headers[.contentType] ?? "application/octet-stream"
    let info = try await services.store.put(key, request.body, options: PutOptions(contentType: type))
    return GatewayResponse(.ok, headers: [.eTag: "\"\(info.etag.filter { $0 != "\"" })\""])
  }

  private func verify(
    _ key: String, in bucket: String, _ access: PresignedAccess, _ request: GatewayRequest
  ) throws {
    guard let verifier = services.store.presignedAccess, bucket == services.store.bucket else {
      throw Problem(.notFound, "there is nothing under this path")
    }
    guard try request.parameter("access") == access.rawValue, let expires = try request.parameter("expires"),
      let signature = try request.parameter("signature")
    else { throw Problem(.forbidden, "this needs a presigned URL for \(access.rawValue)") }
    try ObjectKey.check(key)
    try verifier.verify(key, access, expires: expires, signature: signature)
  }

  /// The fields of what is stored: it never changes, and is never a page, so that browsers are told not to guess.
  private static func stored(_ headers: HTTPFields) -> HTTPFields {
    var headers = headers
    headers[.xContentTypeOptions] = "nosniff"
    headers[.contentSecurityPolicy] = "default-src 'none'; sandbox"
    headers[.cacheControl] = "private, max-age=31536000, immutable"
    return headers
  }

  /// Whether a client has what it asks for.
  private static func isKnown(_ headers: HTTPFields, to request: GatewayRequest) -> Bool {
    guard let known = request.headers[.ifNoneMatch], let tag = headers[.eTag] else { return false }
    return known == "*" || known.contains(tag)
  }

  /// An object's bytes, whole or the range asked for.
  private func object(_ key: String, headers: HTTPFields, _ request: GatewayRequest) async throws -> GatewayResponse {
    var headers = Self.stored(headers)
    headers[.acceptRanges] = "bytes"
    if Self.isKnown(headers, to: request) { return GatewayResponse(.notModified, headers: headers) }
    var range = RangeField.parse(request.headers[.range])
    if let condition = request.headers[.ifRange], condition != headers[.eTag] { range = nil }
    let size = try await services.store.head(key).size
    guard let range else { return try await stream(key, .ok, nil, size, headers) }
    guard let bytes = range.resolved(size: size) else {
      throw Problem(.rangeNotSatisfiable, "the object has \(size) bytes", headers: [.contentRange: "bytes */\(size)"])
    }
    headers[.contentRange] = "bytes \(bytes.lowerBound)-\(bytes.upperBound - 1)/\(size)"
    return try await stream(key, .partialContent, range, Int64(bytes.count), headers)
  }

  private func stream(
    _ key: String, _ status: HTTPResponse.Status, _ range: ByteRange?, _ length: Int64, _ headers: HTTPFields
  ) async throws -> GatewayResponse {
    let stream = try await services.store.stream(key, range: range)
    return GatewayResponse(status, headers: headers, body: .stream(length: length, next: stream.next))
  }
}
