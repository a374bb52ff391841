import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Logging

/// Carries calls to one service: endpoint, signature, transport, errors, retries.
struct ServiceClient: Sendable {
  let service: Service
  let region: String
  let client: AWSClient
  let errorFormat: ErrorFormat
  /// Which endpoints are asked.
  let endpoints: EndpointSettings
  /// The service's own endpoint; a call may bring another one.
  let endpoint: Endpoint?
  let state: ServiceState
  private let signer: Signer

  static let userAgent = HTTPField(name: .userAgent, value: "AWSKit/1 (Swift; Linux)")

  init(_ service: Service, _ client: AWSClient, region: String?, errorFormat: ErrorFormat) throws(AWSError) {
    guard let region = region ?? client.configuration.region, !region.isEmpty else {
      throw AWSError(
        .invalidEndpoint, "\(service.displayName) needs a region: pass one, or set AWS_REGION or the profile's region")
    }
    // `fips-us-east-1` and `us-gov-west-1-fips` are old names for a region and its FIPS endpoints.
    let plainRegion = Self.withoutFIPS(region)
    var endpoints = client.configuration.endpoints
    if plainRegion != region { endpoints.usesFIPS = true }
    (self.service, self.region, self.client, self.errorFormat) = (service, plainRegion, client, errorFormat)
    self.endpoints = endpoints
    endpoint = service.id == "s3" ? nil : try service.endpoint(region: plainRegion, settings: endpoints)
    state = client.shared.state(of: service, region: plainRegion, uptime: client.time.uptime())
    signer = Signer(
      service: endpoint?.signingName ?? service.signingName, region: endpoint?.signingRegion ?? plainRegion,
      keys: client.shared.keys)
  }

  private static func withoutFIPS(_ region: String) -> String {
    if region.hasPrefix("fips-") { return String(region.dropFirst(5)) }
    return region.hasSuffix("-fips") ? String(region.dropLast(5)) : region
  }

  /// The signer for an endpoint.
  func signer(for endpoint: Endpoint) -> Signer {
    let (name, place) = (endpoint.signingName ?? service.signingName, endpoint.signingRegion ?? region)
    if name == signer.service, place == signer.region { return signer }
    return Signer(service: name, region: place, keys: client.shared.keys)
  }

  /// The time as the service sees it.
  var now: Date { client.time.now().addingTimeInterval(state.clockOffset) }

  /// Makes a call and reads the whole answer.
  func send(_ call: ServiceCall) async throws(AWSError) -> ServiceAnswer {
    try await perform(call) { response throws(AWSError) in
      let body = try await Self.collect(response, upTo: call.answerLimit)
      return ServiceAnswer(head: response.head, body: body)
    }
  }

  /// Makes a call, reads the whole answer, and makes something of it.
  func send<T: Sendable>(_ call: ServiceCall, _ read: @Sendable (ServiceAnswer) throws(AWSError) -> T)
    async throws(AWSError) -> T
  {
    let answer = try await send(call)
    do { return try read(answer) } catch { throw named(error, call) }
  }

  /// Makes a call whose answer's body the caller reads.
  func open(_ call: ServiceCall) async throws(AWSError) -> TransportResponse {
    var call = call
    call.isStreamed = true
    return try await perform(call) { response throws(AWSError) in response }
  }

  static func collect(_ response: TransportResponse, upTo limit: Int) async throws(AWSError) -> [UInt8] {
    do { return try await response.body.collect(upTo: limit) } catch { throw AWSError(transport: error) }
  }

  /// The URL of a call of the query protocol, for somebody else to make.
  func presignedURL(query: String, fields: HTTPFields = [:], lifetime: Duration) async throws(AWSError) -> String {
    guard let endpoint else { throw AWSError(.invalidEndpoint, "\(service.displayName) has no endpoint of its own") }
    let request = HTTPRequest(
      method: .get, scheme: endpoint.scheme, authority: endpoint.authority, path: "\(endpoint.path)/?\(query)",
      headerFields: fields)
    let credentials = try await client.credentials.credentials()
    let signed = try signer.presign(request, with: credentials, at: now, lifetime: lifetime)
    return "\(endpoint.scheme)://\(endpoint.authority)\(signed.path ?? "")"
  }

  // MARK: Attempts

  /// Sends until there is an answer, or no sense in going on.
  ///
  /// - Parameter read: makes the result of a successful answer; an error it throws is judged like any other.
  func perform<T: Sendable>(_ call: ServiceCall, read: (TransportResponse) async throws(AWSError) -> T)
    async throws(AWSError) -> T
  {
    guard let endpoint = call.endpoint ?? endpoint else {
      throw named(AWSError(.invalidEndpoint, "the call has no endpoint"), call)
    }
    let settings = client.configuration.retry
    let signer = signer(for: endpoint)
    let request = HTTPRequest(
      method: call.method, scheme: endpoint.scheme, authority: endpoint.authority, path: endpoint.path + call.target,
      headerFields: call.fields)
    var attempt = 1
    var paid = 0
    var hasRenewedCredentials = false
    var hasSetClock = false
    while true {
      let offset = state.clockOffset
      if settings.mode == .adaptive { try await wait(state.rate.reserve(at: client.time.uptime()), call) }
      var credentials: Credentials?
      var failure: AWSError
      do {
        var (signed, body) = (request, call.body)
        if !call.isUnsigned {
          let current = try await client.credentials.credentials()
          credentials = current
          let signature: Signature
          (signed, signature) = signer.signed(
            request, payload: call.payload, with: current, at: client.time.now().addingTimeInterval(offset))
          if let makeBody = call.makeBody {
            body = makeBody(signer.chunkSigner(after: signature, payload: call.payload, with: current))
          }
        }
        // Behind the signature, which does not cover it: whoever is on the way may change it.
        signed.headerFields.append(Self.userAgent)
        let response = try await exchange(signed, body, options(call, body))
        let value = try await read(response)
        if settings.mode == .adaptive { state.rate.record(throttled: false, at: client.time.uptime()) }
        state.quota.give(paid > 0 ? paid : RetryQuota.successIncome)
        return value
      } catch {
        failure = error
      }
      failure.attempts = attempt
      failure = named(failure, call)
      let kind = FailureKind(failure)
      if settings.mode == .adaptive, failure.origin == .service {
        state.rate.record(throttled: kind == .throttling, at: client.time.uptime())
      }
      switch kind {
      case .expiredCredentials:
        guard let used = credentials, used.isTemporary, !hasRenewedCredentials else { throw failure }
        client.credentials.discard(used)
        hasRenewedCredentials = true
        log("credentials have expired early and are fetched anew", failure, call)
        continue
      case .skewedClock:
        guard !hasSetClock, setClock(by: failure, signedAt: offset) else { throw failure }
        hasSetClock = true
        log("the clock is set after the service's", failure, call)
        continue
      case .permanent: throw failure
      case .transient, .throttling: break
      }
      guard attempt < settings.maximumAttempts else { throw failure }
      let delay = Backoff.delay(
        attempt: attempt, kind: kind, retryAfter: failure.retryAfter, random: client.time.random())
      let cost = kind == .throttling ? RetryQuota.throttlingCost : RetryQuota.transientCost
      guard state.quota.take(cost) else {
        // A poller would be back at once: it waits even though it is not tried again.
        if call.longPoll > .zero { try await wait(delay, call) }
        throw failure
      }
      paid = cost
      log("attempt \(attempt) failed and is tried again in \(delay)", failure, call)
      try await wait(delay, call)
      attempt += 1
    }
  }

  /// One request and the head of its answer; an answer that is an error is read and thrown.
  private func exchange(_ request: HTTPRequest, _ body: RequestBody, _ options: TransferOptions)
    async throws(AWSError) -> TransportResponse
  {
    let response: TransportResponse
    do {
      response = try await client.transport.execute(request, body: body, options: options)
    } catch {
      throw AWSError(transport: error)
    }
    if (200..<300).contains(response.head.status.code) { return response }
    let body = try await Self.collect(response, upTo: 1 << 20)
    var error = AWSError.answer(response.head, body: body, format: errorFormat)
    error.retryAfter = Self.retryAfter(response.head, now: client.time.now())
    error.serverDate = response.head.headerFields[.date].flatMap { WireTimeParser.date($0) }
    throw error
  }

  private func options(_ call: ServiceCall, _ body: RequestBody) -> TransferOptions {
    let timeouts = client.configuration.timeouts
    var options = TransferOptions()
    options.connectTimeout = timeouts.connect
    options.firstByteTimeout = timeouts.firstByte + call.longPoll
    options.stallTimeout = timeouts.stall
    options.collectsUpTo = call.isStreamed ? call.collectsUpTo : call.answerLimit
    if !call.isStreamed {
      // A body of unknown length may take as long as it moves.
      options.totalTimeout = body.length.map { length in
        timeouts.total + call.longPoll + .seconds(length / Int64(max(1, timeouts.slowestUpload)))
      }
      options.maximumResponseBytes = Int64(call.answerLimit)
    }
    return options
  }

  private func wait(_ delay: Duration, _ call: ServiceCall) async throws(AWSError) {
    guard delay > .zero else { return }
    do {
      try await client.time.sleep(delay)
    } catch {
      throw named(AWSError(.cancelled, "cancelled while waiting for the next attempt", underlying: error), call)
    }
  }

  /// Learns the service's time from its answer; false when the clocks agreed, so that the time is not to blame.
  ///
  /// What counts is the time that the request was signed with: another call may have set the clock since.
  private func setClock(by failure: AWSError, signedAt used: Double) -> Bool {
    guard let date = failure.serverDate else { return false }
    let offset = date.timeIntervalSince(client.time.now())
    guard abs(offset - used) >= 60 else { return false }
    state.clockOffset = offset
    return true
  }

  /// What `x-amz-retry-after` (milliseconds) or `Retry-After` (seconds, or a date) ask for.
  private static func retryAfter(_ head: HTTPResponse, now: Date) -> Duration? {
    if let text = head.headerFields[.amzRetryAfter], let milliseconds = Int64(text), milliseconds >= 0 {
      return .milliseconds(min(milliseconds, 86_400_000))
    }
    guard let text = head.headerFields[.retryAfter] else { return nil }
    if let seconds = Int64(text) { return seconds >= 0 ? .seconds(min(seconds, 86_400)) : nil }
    guard let date = WireTimeParser.date(text) else { return nil }
    return .seconds(min(max(0, date.timeIntervalSince(now)), 86_400))
  }

  func named(_ error: AWSError, _ call: ServiceCall) -> AWSError {
    guard error.operation == nil else { return error }
    var error = error
    error.operation = "\(service.displayName).\(call.operation)"
    return error
  }

  private func log(_ text: @autoclosure () -> String, _ failure: AWSError, _ call: ServiceCall) {
    client.logger.debug(
      "\(service.displayName).\(call.operation): \(text())",
      metadata: ["code": "\(failure.code)", "status": "\(failure.status ?? 0)", "attempt": "\(failure.attempts)"])
  }
}

extension HTTPField.Name {
  static let amzRetryAfter = HTTPField.Name("x-amz-retry-after")!
}
