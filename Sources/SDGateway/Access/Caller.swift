import SDCore

/// Who makes a request.
package struct Caller: Sendable, Hashable {
  /// On whose behalf tasks are submitted.
  var submitter: Submitter
  /// The key that let it in; `nil` where none are asked for.
  var key: APIKey?

  /// Whether it may handle what is everybody's: where no keys are asked for, whoever reaches the server; else the keys that
  /// are operators', and nobody whom another gate let in.
  let mayOperate: Bool
  /// Whose tasks it sees.
  var tenant: String { submitter.tenant }

  /// Whoever comes, where no keys are asked for.
  static let anybody = Caller(submitter: .init(), key: nil, mayOperate: true)

  /// The bearer of a key.
  init(_ key: APIKey) { self.init(submitter: Submitter(key), key: key, mayOperate: key.mayOperate) }

  private init(submitter: Submitter, key: APIKey?, mayOperate: Bool) {
    (self.submitter, self.key, self.mayOperate) = (submitter, key, mayOperate)
  }

  /// Somebody whom a gate before this one has let in, by the name it has for them: queues are fair to each.
  init(letInAs name: String) { self.init(submitter: Submitter(group: name), key: nil, mayOperate: false) }
}
