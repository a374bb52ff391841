import HTTPTypes
import Logging
import SDCore
import Synchronization

/// Lets callers in by their keys, each at its own rate, and slows down those who guess.
///
/// Counts are this process's own: behind several gateways each grants the whole rate.
final class Gatekeeper: Sendable {
  private struct State {
    var buckets: [String: (key: APIKey, bucket: TokenBucket)] = [:]
    var guesses: [String: TokenBucket] = [:]
    var familiar: Set<Familiar> = []
  }

  /// A key that was seen to be good, from where: guesses of others behind the same address do not shut it out.
  private struct Familiar: Hashable {
    var client: String
    var digest: SecretDigest
  }

  private let keys: (@Sendable () -> APIKeyRing)?
  private let clocks: Clocks
  private let state = Mutex(State())

  /// Wrong keys that one address may try at once, and a second in the long run.
  private static let guessBurst = 10
  private static let guessRate = 0.1
  /// What is remembered of addresses and keys; past it they are forgotten, and guessers begin anew.
  private static let memory = 10_000
  private static let longestKey = 512

  /// - Parameter keys: the keys as they stand; `nil` to ask for none.
  init(keys: (@Sendable () -> APIKeyRing)?, clocks: Clocks) { (self.keys, self.clocks) = (keys, clocks) }

  /// Whether keys are asked for.
  var asksForKeys: Bool { keys != nil }

  /// Who makes a request; throws a 401 for those who are not let in, and a 429 for those who guess.
  func caller(of request: GatewayRequest) throws(Problem) -> Caller {
    guard let keys else { return request.letInAs.map(Caller.init(letInAs:)) ?? .anybody }
    guard let secret = Self.secret(of: request), (1...Self.longestKey).contains(secret.utf8.count) else {
      throw Self.unauthorized("an API key is needed: send it as x-api-key, or as Authorization: Bearer")
    }
    let familiar = Familiar(client: request.client ?? "", digest: SecretDigest(of: secret))
    if let wait = guessingWait(of: familiar) {
      throw Problem.tooMany("too many wrong keys came from this address", seconds: wait)
    }
    guard let key = keys().key(for: secret, at: clocks.timestamp) else {
      noteGuess(from: familiar.client)
      throw Self.unauthorized("the API key is not one that is taken here, or no longer")
    }
    state.withLock { state in
      if state.familiar.count >= Self.memory { state.familiar = [] }
      state.familiar.insert(familiar)
    }
    return Caller(key)
  }

  /// Counts calls of a key; throws a 429 past its rate.
  func count(_ calls: Int, of caller: Caller) throws(Problem) {
    guard let key = caller.key, let rate = key.rate else { return }
    let now = clocks.instant
    let wait = state.withLock { state in
      // A key whose limits were changed begins anew.
      if state.buckets[key.name]?.key != key {
        state.buckets[key.name] = (key, TokenBucket(rate: rate, burst: key.burst, at: now))
      }
      return state.buckets[key.name]?.bucket.take(calls, at: now)
    }
    if let wait { throw Problem.tooMany("this key is good for \(Self.shown(rate)) calls a second", seconds: wait) }
  }

  private static func shown(_ rate: Double) -> String { rate == rate.rounded() ? "\(Int(rate))" : "\(rate)" }

  private static func secret(of request: GatewayRequest) -> String? {
    if let key = request.headers[.apiKey] { return key }
    guard let text = request.headers[.authorization] else { return nil }
    let words = text.split(separator: " ", maxSplits: 1)
    guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
    return String(words[1].trimmingSpaces)
  }

  private static func unauthorized(_ detail: String) -> Problem {
    Problem(.unauthorized, detail, headers: [.wwwAuthenticate: "Bearer"])
  }

  /// How long an address that guesses has to wait, unless it comes with a key that was good before.
  private func guessingWait(of familiar: Familiar) -> Double? {
    let now = clocks.instant
    return state.withLock { state in
      guard !state.familiar.contains(familiar) else { return nil }
      return state.guesses[familiar.client].flatMap { bucket in
        var bucket = bucket
        return bucket.take(1, at: now)
      }
    }
  }

  private func noteGuess(from client: String) {
    let now = clocks.instant
    state.withLock { state in
      if state.guesses.count >= Self.memory {
        state.guesses = state.guesses.filter { !$0.value.isFull(at: now) }
        if state.guesses.count >= Self.memory { state.guesses = [:] }
      }
      let fresh = TokenBucket(rate: Self.guessRate, burst: Self.guessBurst, at: now)
      _ = state.guesses[client, default: fresh].take(1, at: now)
    }
  }
}

extension Problem {
  /// A 429 that says when to come again.
  static func tooMany(_ detail: String, seconds: Double) -> Problem {
    let wait = Int(min(max(seconds.rounded(.up), 1), 3600))
    return Problem(.tooManyRequests, detail + "; try again in \(wait) s", headers: [.retryAfter: "\(wait)"])
  }
}
