import ArgumentParser
import SDCore
import SDRuntime

/// `sdctl keys`.
struct KeysCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "Make API keys, list them, take them away.",
    discussion: """
      Keys are kept in a file, by their SHA-256 alone. Gateways that were started with it take a change within a second:

        sdctl keys new studio --api-keys keys.yaml
        sd-gateway --state ./state --api-keys keys.yaml

      One secret takes over from another without a moment in which neither is good:

        sdctl keys new studio --rotate
        sdctl keys revoke studio --old

      In a cluster the file is a Secret; write it there with
        kubectl create secret generic sd-api-keys --from-file=keys.yaml --dry-run=client -o yaml | kubectl apply -f -
      """,
    subcommands: [KeysNewCommand.self, KeysListCommand.self, KeysRevokeCommand.self],
    defaultSubcommand: KeysListCommand.self)
}

/// Which file of keys a command works on.
struct KeysFile: ParsableArguments {
  @Option(
    name: .customLong("api-keys"), help: "The file of API keys (default: SD_API_KEYS, else keys.yaml).",
    completion: .file())
  var given: String?
  @OptionGroup var output: OutputOptions

  var path: String { given ?? Environment["SD_API_KEYS"] ?? "keys.yaml" }

  /// The file's text, which may not be there yet, and what can be done with it.
  func read(mayBeNew: Bool = false) throws -> (text: String?, edit: APIKeysEdit) {
    let text = try WholeFile.text(path)
    guard text != nil || mayBeNew else {
      throw SDError(.notFound, "there is no file \(path): make a first key with sdctl keys new NAME --api-keys \(path)")
    }
    return (text, try APIKeysEdit(text ?? "", path: path))
  }

  /// Writes it; nobody but its owner reads a new one.
  func write(_ edit: APIKeysEdit, over text: String?) throws {
    try WholeFile.replace(path, text, with: edit.text, mode: 0o600)
  }
}

/// `sdctl keys new`.
struct KeysNewCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Make a key, and print its secret: this once, it is kept nowhere.",
    discussion: """
      Examples:

        sdctl keys new studio
        sdctl keys new studio --tenant studio --rate 20 --queue-limit 1000
        sdctl keys new trial --expires 14d --no-high-priority
        sdctl keys new operations --operator
        sdctl keys new studio --rotate
      """)

  @Argument(help: "What logs and metrics call the key.") var name: String
  @Flag(help: "Give a key that there is a further secret; the old one stays good until 'sdctl keys revoke NAME --old'.")
  var rotate = false
  @Option(help: "Whose tasks the key sees, and no others (default: those of nobody in particular).") var tenant: String?
  @Option(help: "Where the tenant's outputs go (default: its name).") var prefix: String?
  @Option(help: "Calls a second in the long run (default: any number).") var rate: Double?
  @Option(help: "Calls at once (default: twice the rate).") var burst: Int?
  @Option(help: "No more of its tasks while so many wait for their runtime.") var queueLimit: Int?
  @Flag(inversion: .prefixedNo, help: "Whether its tasks may be urgent.") var highPriority = true
  @Flag(help: "Let it handle dead letters, those of all tenants.") var `operator` = false
  @Option(help: "When it ends: 90d, 12h, or a time such as 2027-01-01T00:00:00Z.") var expires: String?
  @OptionGroup var file: KeysFile

  func validate() throws {
    let hasLimits = tenant != nil || prefix != nil || rate != nil || burst != nil || queueLimit != nil || expires != nil
    if rotate, hasLimits || !highPriority || `operator` {
      throw ValidationError("--rotate adds a secret and changes nothing else: change the limits in the file.")
    }
    if let rate, !(rate > 0 && rate.isFinite) { throw ValidationError("--rate is not a number above 0.") }
    for (flag, count) in [("--burst", burst), ("--queue-limit", queueLimit)] {
      if let count, !(1...1_000_000_000).contains(count) { throw ValidationError("\(flag) is not a number from 1.") }
    }
    if expires != nil, expiresAt == nil {
      throw ValidationError("--expires is neither a duration such as 90d nor a time such as 2027-01-01T00:00:00Z.")
    }
  }

  private var expiresAt: Timestamp? {
    expires.flatMap { text in Timestamp(text) ?? Quantity.duration(text).map { Clocks.system.timestamp + $0 } }
  }

  func run() async throws {
    try await CommandExit.reporting {
      var (text, edit) = try file.read(mayBeNew: !rotate)
      let secret = "sd_" + RandomName.make() + RandomName.make()
      let digest = SecretDigest(of: secret)
      if rotate {
        try edit.add(digest, to: name)
      } else {
        guard !edit.ring.keys.contains(where: { $0.name == name }) else {
          throw SDError(.conflict, "\(file.path) has a key \(name): give it a further secret with --rotate")
        }
        try edit.add(
          APIKey(
            name: name, digests: [digest], tenant: tenant ?? "", prefix: prefix, rate: rate, burst: burst,
            queueLimit: queueLimit, mayHurry: highPriority, mayOperate: `operator`, expiresAt: expiresAt))
      }
      try file.write(edit, over: text)
      file.output.show(["name": .string(name), "secret": .string(secret), "file": .string(file.path)]) {
        Terminal.print(secret)
        Terminal.note("Written to \(file.path) by its SHA-256; the secret itself is kept nowhere.")
        Terminal.note("Clients send it as: x-api-key, or Authorization: Bearer")
        if text == nil { Terminal.note("Start the gateway with: sd-gateway --api-keys \(file.path)") }
      }
    }
  }
}

/// `sdctl keys list`.
struct KeysListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List keys with what they are allowed.",
    discussion: """
      Examples:

        sdctl keys list
        sdctl keys list --api-keys /etc/sd/keys.yaml --output json
      """)

  @OptionGroup var file: KeysFile

  func run() async throws {
    try await CommandExit.reporting {
      let keys = try file.read().edit.ring.keys
      file.output.show(.array(keys.map(\.json))) {
        guard !keys.isEmpty else { return Terminal.note("No keys.") }
        var table = Table([
          "NAME", "TENANT", "PREFIX", "RATE", "BURST", "QUEUE LIMIT", "URGENT", "OPERATOR", "SECRETS", "EXPIRES",
        ])
        for key in keys { table.add(key.row) }
        Terminal.print(table.text)
      }
    }
  }
}

/// `sdctl keys revoke`.
struct KeysRevokeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Take a key away, or the secrets that another has taken over from.",
    discussion: """
      Its tasks stay and run on; nobody sees those of a tenant without a key for it.

      Examples:

        sdctl keys revoke trial
        sdctl keys revoke studio --old
      """)

  @Argument(help: "The key's name.") var name: String
  @Flag(help: "Only its secrets before the newest.") var old = false
  @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false
  @OptionGroup var file: KeysFile

  func run() async throws {
    try await CommandExit.reporting {
      var (text, edit) = try file.read()
      guard let key = edit.ring.keys.first(where: { $0.name == name }) else {
        throw SDError(.notFound, "\(file.path) has no key \(name)")
      }
      let count = old ? key.digests.count - 1 : key.digests.count
      if count > 0 {
        let what = old ? "the \(count) older secrets of key \(name)" : "key \(name)"
        try Terminal.confirm("Take \(what) away?", unless: yes)
        try edit.revoke(name, keepingNewest: old)
        try file.write(edit, over: text)
      }
      file.output.show(["name": .string(name), "secrets_revoked": .int(count)]) {
        Terminal.print("\(name): \(count) \(count == 1 ? "secret" : "secrets") revoked")
      }
    }
  }
}

extension APIKey {
  fileprivate var row: [String] {
    [
      name, tenant.isEmpty ? "-" : tenant, prefix.isEmpty ? "-" : prefix, rate.map { "\($0)/s" } ?? "-",
      rate == nil ? "-" : "\(burst)", queueLimit.map { "\($0)" } ?? "-", mayHurry ? "yes" : "no",
      mayOperate ? "yes" : "no",
      "\(digests.count)",
      expiresAt?.description ?? "-",
    ]
  }

  /// Without the digests: nobody needs them.
  fileprivate var json: JSONValue {
    [
      "name": .string(name), "tenant": .string(tenant), "prefix": .string(prefix),
      "rate": rate.map { .double($0) } ?? .null, "burst": rate == nil ? .null : .int(burst),
      "queue_limit": queueLimit.map(JSONValue.int) ?? .null, "high_priority": .bool(mayHurry),
      "operator": .bool(mayOperate),
      "secrets": .int(digests.count), "expires_at": expiresAt.map { .string($0.description) } ?? .null,
    ]
  }
}
