import SDCore

/// Who makes a request.
package struct Caller: Sendable, Hashable {
  /// On whose behalf tasks are submitted.
  var submitter: Submitter
  /// The key that let it in; `nil` where none are asked for.
  var key: APIKey?

  /// Whose tasks it sees.
  var tenant: String { submitter.tenant }

  /// Whoever comes, where no keys are asked for.
  static let anybody = Caller(submitter: .init(), key: nil)

  /// The bearer of a key.
  init(_ key: APIKey) { self.init(submitter: Submitter(key), key: key) }

  private init(submitter: Submitter, key: APIKey?) { (self.submitter, self.key) = (submitter, key) }

  /// Somebody whom a gate before this one has let in, by the name it has for them: queues are fair to each.
  init(letInAs name: String) { self.init(submitter: Submitter(group: name), key: nil) }
}
