import FoundationEssentials
import HTTPTransport
import HTTPTypes
import SDTestKit
import Synchronization
import Testing

@testable import AWSKit

struct S3Tests {
  let time = ManualTime()

  func s3(_ server: ScriptedHTTPServer, _ change: (inout AWSConfiguration) -> Void = { _ in }) throws -> S3 {
    try S3(.testing(server, time: time, change))
  }

  // MARK: Checksums

  @Test(arguments: [
    (S3.ChecksumAlgorithm.crc32, "y/Q5Jg=="), (.crc32c, "4waSgw=="), (.crc64nvme, "rosUhgp5mIg="),
    (.sha1, "98O8HYCOBHMqCiZqhkf0E7Y7Jw0="), (.sha256, "FeKw09t4zGGZfpHLbSWVaDqnpbOoV0vZyXFk5ylEqJk="),
  ])
  func checksumsAreTheStandards(algorithm: S3.ChecksumAlgorithm, value: String) {
    // The check value of CRC catalogues: that of "123456789".
    if algorithm != .sha1, algorithm != .sha256 {
      #expect(S3.Checksum(algorithm, of: Array("123456789".utf8)).value == value)
    }
    #expect(S3.Checksum(algorithm, of: []).value.utf8.count == algorithm.valueLength)
  }

  @Test(arguments: S3.ChecksumAlgorithm.allCases)
  func aChecksumIsTheSameHoweverItsBytesAreCut(algorithm: S3.ChecksumAlgorithm) {
    let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 3)) }
    let whole = S3.Checksum(algorithm, of: bytes).value
    for size in [1, 7, 8, 15, 16, 17, 63, 64, 65, 100, 129, 1000, 4999] {
      var hasher = ChecksumHasher(algorithm)
      var rest = bytes[...]
      while !rest.isEmpty {
        hasher.update(rest.prefix(size))
        rest = rest.dropFirst(size)
      }
      #expect(hasher.finish() == whole)
    }
  }

  // MARK: Put

  @Test func aStreamGoesInSignedChunksWithItsChecksumBehindIt() async throws {
    let server = try ScriptedHTTPServer { _ in .respond(headers: [("ETag", "\"e\"")]) }
    let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
    let body = RequestBody.stream(length: 300_000) {
      let left = Mutex(bytes[...])
      return {
        left.withLock { left in
          defer { left = left.dropFirst(7_777) }
          return left.isEmpty ? nil : left.prefix(7_777)
        }
      }
    }
    let written = try await s3(server).putObject(.init(bucket: "b", key: "k", body: body))
    #expect(written.eTag == "\"e\"")
    let request = try #require(server.requests.first)
    #expect(request.header("x-amz-content-sha256") == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
    #expect(
      request.header("x-amz-decoded-content-length") == "300000" && request.header("content-encoding") == "aws-chunked")
    #expect(request.header("content-length") == String(request.body.count) && !request.isChunked)
    let (decoded, trailers) = try decodeChunks(request.body)
    #expect(decoded == bytes)
    #expect(trailers["x-amz-checksum-crc32"] == S3.Checksum(.crc32, of: bytes).value)
    #expect(trailers["x-amz-trailer-signature"]?.count == 64)
  }

  /// Takes `aws-chunked` framing apart.
  func decodeChunks(_ body: [UInt8]) throws -> (bytes: [UInt8], trailers: [String: String]) {
    var (rest, bytes) = (body[...], [UInt8]())
    func line() throws -> String {
      let end = try #require(rest.firstIndex(of: 13))
      defer { rest = rest[(end + 2)...] }
      return String(decoding: rest[..<end], as: UTF8.self)
    }
    while true {
      let size = try #require(Int(try line().prefix { $0 != ";" }, radix: 16))
      if size == 0 { break }
      bytes += rest.prefix(size)
      rest = rest.dropFirst(size + 2)
    }
    var trailers: [String: String] = [:]
    while let text = try? line(), !text.isEmpty {
      let parts = text.split(separator: ":", maxSplits: 1)
      trailers[String(parts[0])] = String(parts[1])
    }
    return (bytes, trailers)
  }

  @Test func aFileIsSentAgainAfterAFailure() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(String(repeating: "0123456789", count: 40_000), to: "file")
    let server = try ScriptedHTTPServer(answers: [
      .respond(status: 503, body: "<Error><Code>SlowDown</Code></Error>"), .reset, .respond(),
    ])
    try await s3(server).putObject(.init(bucket: "b", key: "k", body: .file(path: path, offset: 5, length: 300_000)))
    let requests = server.requests
    #expect(requests.count >= 2 && time.sleeps.count == 2)
    for request in [requests.first, requests.last] {
      let (bytes, _) = try decodeChunks(try #require(request).body)
      #expect(bytes.count == 300_000 && bytes.first == UInt8(ascii: "5"))
    }
  }

  @Test func aBodyOfAnotherLengthThanSaidIsAnError() async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    for length in [5, 20] as [Int64] {
      let body = RequestBody.stream(length: length) {
        let left = Mutex(Optional([UInt8](repeating: 1, count: 10)[...]))
        return {
          left.withLock { left in
            defer { left = nil }
            return left
          }
        }
      }
      let error = await #expect(throws: AWSError.self) {
        try await s3(server).putObject(.init(bucket: "b", key: "k", body: body))
      }
      #expect(error?.code == .invalidInput)
    }
    #expect(server.requests.isEmpty)
  }

  @Test(arguments: ["a\r\nX-Evil: 1", "a\nb", "a\u{0}", "ä", " a", "a\u{7F}"])
  func attack8MetadataThatAHeaderCannotCarryIsRefusedBeforeSending(value: String) async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    var settings = S3.ObjectSettings(contentType: "image/png", metadata: ["x": value])
    for _ in 0..<2 {
      let error = await #expect(throws: AWSError.self) {
        try await s3(server).putObject(.init(bucket: "b", key: "k", body: .bytes([1]), settings: settings))
      }
      #expect(error?.code == .invalidInput && error?.operation == "S3.PutObject")
      settings = S3.ObjectSettings(contentType: value)
    }
    #expect(server.requests.isEmpty)
  }

  @Test func aConditionThatDoesNotHoldIsTold() async throws {
    let server = try ScriptedHTTPServer { _ in
      .respond(status: 412, body: "<Error><Code>PreconditionFailed</Code><Condition>If-None-Match</Condition></Error>")
    }
    let error = await #expect(throws: AWSError.self) {
      try await s3(server).putObject(.init(bucket: "b", key: "k", body: .bytes([1]), conditions: .ifAbsent))
    }
    #expect(error?.status == 412 && error?.code == "PreconditionFailed" && server.requests.count == 1)
    #expect(server.requests.first?.header("if-none-match") == "*")
  }

  // MARK: Get

  @Test func whatIsReadIsComparedWithItsChecksum() async throws {
    let bytes = Array("hello".utf8)
    let good = S3.Checksum(.crc32c, of: bytes).value
    for (value, isGood) in [(good, true), ("AAAAAA==", false), ("AAAAAA==-3", true)] {
      let server = try ScriptedHTTPServer { _ in
        .respond(headers: [("x-amz-checksum-crc32c", value), ("x-amz-meta-Who", "me"), ("ETag", "\"e\"")], body: bytes)
      }
      let s3 = try s3(server)
      let object = try await s3.getObject(.init(bucket: "b", key: "k"))
      #expect(object.info.metadata == ["who": "me"] && object.info.contentLength == 5)
      func read() async throws -> [UInt8] {
        var all: [UInt8] = []
        for try await chunk in object.body { all += chunk }
        return all
      }
      let other = try await s3.getObject(.init(bucket: "b", key: "k"))
      if isGood {
        #expect(try await read() == bytes)
        #expect(try await other.body.collect(upTo: 5) == bytes)
      } else {
        var error = await #expect(throws: AWSError.self) { try await read() }
        #expect(error?.code == .checksumMismatch)
        error = await #expect(throws: AWSError.self) { try await other.body.collect(upTo: 5) }
        #expect(error?.code == .checksumMismatch)
      }
    }
  }

  @Test func aReadThatBreaksIsTriedAgainAndAPartialObjectNeverGiven() async throws {
    let server = try ScriptedHTTPServer(answers: [
      .respond(body: "0123456789").cut(after: 4), .respond(body: "0123456789"),
    ])
    let (info, bytes) = try await s3(server).getObjectBytes(.init(bucket: "b", key: "k"), upTo: 100)
    #expect(bytes == Array("0123456789".utf8) && info.contentLength == 10 && server.requests.count == 2)

    let broken = try ScriptedHTTPServer { _ in .respond(body: "0123456789").cut(after: 4) }
    let body = try await s3(broken).getObject(.init(bucket: "b", key: "k")).body
    let error = await #expect(throws: AWSError.self) { for try await _ in body {} }
    #expect(error?.code == .connection)
  }

  @Test func anObjectLargerThanAllowedIsRefused() async throws {
    let server = try ScriptedHTTPServer { _ in .fill(count: 1000) }
    let error = await #expect(throws: AWSError.self) {
      try await s3(server).getObjectBytes(.init(bucket: "b", key: "k"), upTo: 999)
    }
    #expect(error?.code == .answerTooLarge && server.requests.count == 1)
  }

  @Test func aMissingObjectIsTold() async throws {
    let server = try ScriptedHTTPServer { request in
      request.method == "HEAD"
        ? .respond(status: 404, headers: [("x-amz-request-id", "r")])
        : .respond(status: 404, body: "<Error><Code>NoSuchKey</Code><Key>k</Key><RequestId>r</RequestId></Error>")
    }
    var error = await #expect(throws: AWSError.self) { try await s3(server).getObject(.init(bucket: "b", key: "k")) }
    #expect(error?.status == 404 && error?.code == "NoSuchKey" && error?.requestID == "r")
    error = await #expect(throws: AWSError.self) { try await s3(server).headObject(.init(bucket: "b", key: "k")) }
    #expect(error?.status == 404 && error?.requestID == "r" && error?.operation == "S3.HeadObject")
  }

  // MARK: Others

  @Test func anErrorUnderStatus200IsTriedAgain() async throws {
    let server = try ScriptedHTTPServer(answers: [
      .respond(body: "<Error><Code>InternalError</Code><Message>m</Message></Error>"),
      .respond(body: "<CopyObjectResult><ETag>&quot;e&quot;</ETag></CopyObjectResult>"),
    ])
    let written = try await s3(server).copyObject(.init(bucket: "b", key: "k", sourceBucket: "s", sourceKey: "a/ü b"))
    #expect(written.eTag == "\"e\"" && server.requests.count == 2)
    #expect(server.requests.last?.header("x-amz-copy-source") == "s/a/%C3%BC%20b")
  }

  @Test func listsComeInPagesAndKeysDecoded() async throws {
    let server = try ScriptedHTTPServer { request in
      let second = request.query?.contains("continuation-token=t%2F1") == true
      return .respond(
        body: """
          <ListBucketResult><EncodingType>url</EncodingType><IsTruncated>\(!second)</IsTruncated>\
          <NextContinuationToken>t/1</NextContinuationToken>\
          <Contents><Key>\(second ? "z" : "a+b%2F%01%C3%BC")</Key><Size>3</Size><ETag>e</ETag>\
          <LastModified>2023-01-01T00:00:00.000Z</LastModified></Contents>\
          <CommonPrefixes><Prefix>p%20q/</Prefix></CommonPrefixes></ListBucketResult>
          """)
    }
    let s3 = try s3(server)
    let page = try await s3.listObjects(.init(bucket: "b", prefix: "x&y", delimiter: "/"))
    #expect(page.objects.map(\.key) == ["a b/\u{1}ü"] && page.commonPrefixes == ["p q/"])
    var keys: [String] = []
    for try await object in s3.allObjects(.init(bucket: "b")) { keys.append(object.key) }
    #expect(keys == ["a b/\u{1}ü", "z"])
  }

  @Test func deletionsThatFailAreTold() async throws {
    let server = try ScriptedHTTPServer { _ in
      .respond(
        body: "<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>m</Message></Error></DeleteResult>")
    }
    let failed = try await s3(server).deleteObjects(bucket: "x", objects: [.init(key: "a"), .init(key: "b")])
    #expect(failed.map(\.key) == ["b"] && failed.first?.code == "AccessDenied")
    let error = await #expect(throws: AWSError.self) {
      try await s3(server).deleteObjects(bucket: "x", objects: [.init(key: "a\u{1}")])
    }
    #expect(error?.code == .invalidInput)
  }

  @Test func keysAreSentAsTheyAre() async throws {
    let server = try ScriptedHTTPServer { _ in .respond(body: "x") }
    let s3 = try s3(server)
    for (key, path) in [
      ("/a", "//a"), ("a/../b", "/a/../b"), ("./x", "/./x"), ("a//b", "/a//b"), ("%2e", "/%252e"),
      ("a b+c", "/a%20b%2Bc"),
    ] {
      _ = try await s3.getObjectBytes(.init(bucket: "b", key: key), upTo: 9)
      #expect(server.requests.last?.target == "/b" + path)
    }
    let error = await #expect(throws: AWSError.self) {
      try await s3.getObjectBytes(.init(bucket: "b", key: ""), upTo: 9)
    }
    #expect(error?.code == .invalidInput)
  }

  // MARK: Uploads

  /// Answers to the calls of a multipart upload; a part's number may be made to fail.
  func multipart(failing: Int? = nil) throws -> ScriptedHTTPServer {
    try ScriptedHTTPServer { request in
      let query = request.query ?? ""
      if request.method == "POST", query == "uploads" { return .respond(body: "<R><UploadId>up/1</UploadId></R>") }
      if request.method == "DELETE" { return .respond(status: 204) }
      if request.method == "POST" {
        return .respond(body: "<CompleteMultipartUploadResult><ETag>\"all\"</ETag></CompleteMultipartUploadResult>")
      }
      if let failing, query.contains("partNumber=\(failing)&") {
        return .respond(status: 403, body: "<Error><Code>AccessDenied</Code></Error>")
      }
      return .respond(headers: [("ETag", "\"part\""), ("x-amz-checksum-crc32", "AAAAAA==")])
    }
  }

  @Test func aLargeBodyGoesInPartsAndASmallOneAtOnce() async throws {
    let bytes = (0..<(11 << 20)).map { UInt8(truncatingIfNeeded: $0 >> 8) }
    let folder = try TemporaryFolder()
    try Data(bytes).write(to: URL(filePath: "\(folder.path)/file"))
    let stream = RequestBody.stream(length: nil) {
      let left = Mutex(bytes[...])
      return {
        left.withLock { left in
          defer { left = left.dropFirst(1_000_003) }
          return left.isEmpty ? nil : left.prefix(1_000_003)
        }
      }
    }
    for body in [.bytes(bytes), .file(path: "\(folder.path)/file", offset: 0, length: Int64(bytes.count)), stream]
      as [RequestBody]
    {
      let server = try multipart()
      let written = try await s3(server).upload(
        .init(bucket: "b", key: "k", body: body, conditions: .ifAbsent), partSize: 5 << 20)
      #expect(written.eTag == "\"all\"")
      let requests = server.requests
      #expect(requests.count == 5 && requests.last?.header("if-none-match") == "*")
      var parts: [String: [UInt8]] = [:]
      for request in requests where request.method == "PUT" {
        let isChunked = request.header("content-encoding") == "aws-chunked"
        parts[request.query ?? ""] = isChunked ? try decodeChunks(request.body).bytes : request.body
      }
      #expect(parts.keys.sorted() == (1...3).map { "partNumber=\($0)&uploadId=up%2F1" })
      #expect(parts.sorted { $0.key < $1.key }.flatMap(\.value) == bytes)
      #expect(
        requests.last?.text.contains("<PartNumber>3</PartNumber>") == true
          && requests.last?.text.contains("ChecksumCRC32") == true)
    }
    let server = try ScriptedHTTPServer { _ in .respond(headers: [("ETag", "\"one\"")]) }
    let small = RequestBody.stream(length: nil) {
      let left = Mutex(Optional([1, 2, 3] as ArraySlice<UInt8>))
      return {
        left.withLock { left in
          defer { left = nil }
          return left
        }
      }
    }
    #expect(try await s3(server).upload(.init(bucket: "b", key: "k", body: small)).eTag == "\"one\"")
    #expect(server.requests.map(\.body) == [[1, 2, 3]])
  }

  @Test func anUploadThatFailsIsAborted() async throws {
    let server = try multipart(failing: 2)
    let body = RequestBody.bytes([UInt8](repeating: 1, count: 11 << 20))
    let error = await #expect(throws: AWSError.self) {
      try await s3(server).upload(.init(bucket: "b", key: "k", body: body), partSize: 5 << 20)
    }
    #expect(error?.code == "AccessDenied")
    #expect(server.requests.contains { $0.method == "DELETE" && $0.query == "uploadId=up%2F1" })
  }

  @Test func partsGrowWithTheObject() {
    #expect(S3.partSize(8 << 20, for: 100 << 20) == 8 << 20)
    let large = S3.partSize(8 << 20, for: 5 << 40)
    #expect(Int64(large) * 10_000 >= 5 << 40 && large % (1 << 20) == 0 && large < 600 << 20)
  }

  // MARK: Regions

  @Test func aBucketInAnotherRegionIsFoundOnce() async throws {
    final class Redirecting: Transport {
      let hosts = Mutex<[String]>([])
      func execute(_ request: HTTPRequest, body: RequestBody, options: TransferOptions) async throws(TransportError)
        -> TransportResponse
      {
        hosts.withLock { $0.append(request.authority ?? "") }
        let isRight =
          request.authority?.contains("eu-west-1") == true
          && request.headerFields[.authorization]?.contains("/eu-west-1/s3/") == true
        var head = HTTPResponse(status: isRight ? .ok : .movedPermanently)
        head.headerFields[.init("x-amz-bucket-region")!] = "eu-west-1"
        return TransportResponse(head: head, body: ResponseBody { () throws(TransportError) in nil })
      }
    }
    let transport = Redirecting()
    let client = AWSClient(
      configuration: AWSConfiguration(region: "eu-central-1"),
      credentials: StaticCredentialProvider(accessKeyID: "A", secretAccessKey: "s"), transport: transport,
      time: time.source)
    let s3 = try S3(client)
    _ = try await s3.headObject(.init(bucket: "abc", key: "k"))
    _ = try await s3.headObject(.init(bucket: "abc", key: "k"))
    #expect(
      transport.hosts.withLock { $0 } == [
        "abc.s3.eu-central-1.amazonaws.com", "abc.s3.eu-west-1.amazonaws.com", "abc.s3.eu-west-1.amazonaws.com",
      ])
  }
}
