import AWSKit
import FoundationEssentials
import HTTPTypes
import Testing

/// Signatures as botocore makes them, for generated requests.
struct SigningVectorsTests {
  struct Case: Decodable {
    var service, region, key, secret: String
    var token: String?
    var payload: String
    var time: Double
    var method, scheme, authority, path: String
    var headers: [[String]]
    var body: Data
    var expires: Int?
    var canonical, stringToSign: String
    var signed: [[String]]?
    var url: String?

    var credentials: Credentials { Credentials(accessKeyID: key, secretAccessKey: secret, sessionToken: token) }
    var date: Date { Date(timeIntervalSince1970: time) }

    var request: HTTPRequest {
      get throws {
        var request = HTTPRequest(
          method: try #require(HTTPRequest.Method(method)), scheme: scheme, authority: authority, path: path)
        for field in headers {
          request.headerFields.append(HTTPField(name: try #require(HTTPField.Name(field[0])), value: field[1]))
        }
        return request
      }
    }

    var payloadHash: PayloadHash {
      switch payload {
      case "unsigned": .unsigned
      case "unsigned-trailer": .streamingUnsignedWithTrailer
      default: .sha256(of: body)
      }
    }
  }

  @Test func headersAreSignedAsBotocoreSignsThem() throws {
    let cases = try Vectors.load("signing", as: Case.self).filter { $0.expires == nil }
    #expect(cases.count > 100)
    for item in cases {
      let signer = Signer(service: item.service, region: item.region)
      let (request, signature) = signer.signed(
        try item.request, payload: item.payloadHash, with: item.credentials, at: item.date)
      try #require(signature.canonicalRequest == item.canonical)
      try #require(signature.stringToSign == item.stringToSign)
      let fields = request.headerFields.map { [$0.name.canonicalName, $0.value] }.sorted { $0[0] < $1[0] }
      let expected = try #require(item.signed).sorted { $0[0] < $1[0] }
      try #require(fields.first { $0[0] == "authorization" } == expected.first { $0[0] == "authorization" })
      try #require(Set(fields) == Set(expected))
      // Signing what is signed already gives the same: nothing of the first signature is left to disturb.
      let again = signer.sign(request, payload: item.payloadHash, with: item.credentials, at: item.date)
      try #require(again.headerFields[.authorization] == request.headerFields[.authorization])
    }
  }

  @Test func urlsArePresignedAsBotocorePresignsThem() throws {
    let cases = try Vectors.load("signing", as: Case.self).filter { $0.expires != nil }
    #expect(cases.count > 100)
    for item in cases {
      let signer = Signer(service: item.service, region: item.region)
      let request = try signer.presign(
        try item.request, with: item.credentials, at: item.date, lifetime: .seconds(try #require(item.expires)))
      try #require("\(item.scheme)://\(item.authority)\(request.path ?? "")" == item.url)
    }
  }
}

/// S3's signed chunks.
struct ChunkSigningTests {
  struct Case: Decodable {
    var secret: String
    var time: Double
    var seed: String
    var parts: [Data]
    var trailers: [[String]]?
    var wire: Data
  }

  @Test func chunksAreFramedAndSignedAsTheReferenceSays() throws {
    let cases = try Vectors.load("chunks", as: Case.self)
    #expect(cases.count > 20)
    for item in cases {
      let signer = Signer(service: "s3", region: "us-east-1")
      let credentials = Credentials(accessKeyID: "AKID", secretAccessKey: item.secret)
      let payload: PayloadHash = item.trailers == nil ? .streaming : .streamingWithTrailer
      let request = HTTPRequest(method: .put, scheme: "https", authority: "b.s3.amazonaws.com", path: "/k")
      let signature = signer.signature(
        of: request, payload: payload, with: credentials, at: Date(timeIntervalSince1970: item.time))
      var framer = signer.chunkSigner(after: signature, payload: payload, with: credentials, seed: item.seed)
      var wire: [UInt8] = []
      for part in item.parts { wire += framer.frame(part) }
      wire += framer.end(trailers: (item.trailers ?? []).map { ($0[0], $0[1]) })
      try #require(wire == [UInt8](item.wire))
    }
  }

  /// The example of "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks".
  @Test func theExampleOfTheS3ReferenceHolds() {
    let signer = Signer(service: "s3", region: "us-east-1")
    let credentials = Credentials(
      accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    var request = HTTPRequest(
      method: .put, scheme: "https", authority: "s3.amazonaws.com", path: "/examplebucket/chunkObject.txt")
    request.headerFields = [
      .init("x-amz-storage-class")!: "REDUCED_REDUNDANCY", .contentEncoding: "aws-chunked",
      .init("x-amz-decoded-content-length")!: "66560", .contentLength: "66824",
    ]
    let (_, signature) = signer.signed(
      request, payload: .streaming, with: credentials, at: Date(timeIntervalSince1970: 1_369_353_600))
    #expect(signature.value == "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")
    var framer = signer.chunkSigner(after: signature, payload: .streaming, with: credentials)
    var length = framer.frame([UInt8](repeating: UInt8(ascii: "a"), count: 65536)).count
    #expect(framer.previousSignature == "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648")
    length += framer.frame([UInt8](repeating: UInt8(ascii: "a"), count: 1024)).count
    #expect(framer.previousSignature == "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497")
    length += framer.end().count
    #expect(framer.previousSignature == "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")
    #expect(length == 66824)
    #expect(ChunkSigner.encodedLength(of: 66560, chunkSize: 65536, payload: .streaming) == 66824)
  }

  @Test(
    arguments: [PayloadHash.streaming, .streamingWithTrailer, .streamingUnsignedWithTrailer],
    [0, 1, 15, 16, 17, 48, 100])
  func theLengthOnTheWireIsKnownBeforehand(payload: PayloadHash, size: Int) {
    let signer = Signer(service: "s3", region: "us-east-1")
    let credentials = Credentials(accessKeyID: "AKID", secretAccessKey: "secret")
    let request = HTTPRequest(method: .put, scheme: "https", authority: "b.s3.amazonaws.com", path: "/k")
    let (_, signature) = signer.signed(request, payload: payload, with: credentials, at: Date(timeIntervalSince1970: 0))
    var framer = signer.chunkSigner(after: signature, payload: payload, with: credentials)
    var (wire, rest) = ([UInt8](), [UInt8](repeating: 7, count: size)[...])
    while !rest.isEmpty {
      wire += framer.frame(rest.prefix(16))
      rest = rest.dropFirst(16)
    }
    let trailers = payload == .streaming ? [] : [(name: "x-amz-checksum-crc32c", value: "sOO8/Q==")]
    wire += framer.end(trailers: trailers)
    let length = ChunkSigner.encodedLength(
      of: Int64(size), chunkSize: 16, payload: payload, trailers: trailers.map { ($0.name, $0.value.utf8.count) })
    #expect(Int64(wire.count) == length)
  }
}

/// What a signature must not do.
struct SigningRulesTests {
  let signer = Signer(service: "sqs", region: "eu-central-1")
  let credentials = Credentials(accessKeyID: "AKID", secretAccessKey: "very secret", sessionToken: "a token")
  let request = HTTPRequest(method: .get, scheme: "https", authority: "sqs.eu-central-1.amazonaws.com", path: "/")

  @Test(arguments: [-1, 0, 604_801])
  func aPresignedURLOfAnotherLifetimeIsRefused(seconds: Int) {
    #expect(throws: AWSError.self) {
      try signer.presign(request, with: credentials, at: .now, lifetime: .seconds(seconds))
    }
  }

  @Test func attack10SecretsAreNotDescribed() {
    for text in [
      "\(credentials)", String(reflecting: credentials), "\([credentials])", "\(Optional(credentials) as Any)",
    ] {
      #expect(!text.contains("very secret") && !text.contains("a token"))
      #expect(text.contains("AKID"))
    }
    var dumped = ""
    dump(credentials, to: &dumped)
    #expect(!dumped.contains("very secret") && !dumped.contains("a token"))
  }

  @Test func attack8AFieldWithALineBreakCannotSmuggleAnother() {
    var request = request
    request.headerFields[.init("X-Amz-Meta-A")!] = "a\r\nX-Evil: 1\u{0}"
    let signed = signer.sign(request, payload: .empty, with: credentials, at: Date(timeIntervalSince1970: 0))
    let value = signed.headerFields[.init("X-Amz-Meta-A")!] ?? ""
    #expect(!value.utf8.contains { $0 == 10 || $0 == 13 || $0 == 0 })
  }

  @Test func aDayHasOneKeyAndANewSecretAnother() {
    let at = Date(timeIntervalSince1970: 1_000_000)
    func value(_ secret: String, _ date: Date) -> String {
      signer.signature(of: request, payload: .empty, with: .init(accessKeyID: "A", secretAccessKey: secret), at: date)
        .value
    }
    let first = value("one", at)
    #expect(value("one", at) == first)
    #expect(value("two", at) != first)
    #expect(value("one", at.addingTimeInterval(86_400)) != first)
    #expect(value("one", at) == first)
  }
}
