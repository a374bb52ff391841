import SDCore
import Testing

@testable import SDRuntime

@Suite struct ConfigurationTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "nothing was thrown"
    } catch let error as SDError {
      return error.code == .configuration ? error.message : "code \(error.code)"
    } catch {
      return "\(error)"
    }
  }

  // MARK: Precedence

  @Test func aFlagBeatsTheFileWhichBeatsTheEnvironmentWhichBeatsTheOlderNames() throws {
    let file = try directory.file("c.yaml", "backend: webui+http://file\nruntime: from-file\ngrace: 10s\n")
    let environment = [
      "SD_BACKEND": "webui+http://variable", "SD_RUNTIME": "from-variable", "SD_EVENTS": "memory:variable",
      "RUNTIME_NAME": "old", "SNS_TOPIC_ARN": "arn:aws:sns:eu-west-1:1:old", "SQS_QUEUE_URL": "https://sqs/1/old",
    ]
    let configuration = try Configuration(
      flags: [.backend: "test-pattern:"], file: file, environment: environment)
    #expect(configuration[.backend] == .init("test-pattern:", from: .flag("backend")))
    #expect(configuration[.runtime] == .init("from-file", from: .file(file, line: 2)))
    #expect(configuration[.events] == .init("memory:variable", from: .variable("SD_EVENTS")))
    #expect(configuration[.queue] == .init("https://sqs/1/old", from: .variable("SQS_QUEUE_URL")))
    #expect(configuration.duration(.grace) == .seconds(10))
    #expect(configuration[.port] == nil)
  }

  @Test func defaultsOfAProgramHoldOnlyWhereNothingWasSaid() throws {
    var configuration = try Configuration(flags: [.port: "0"])
    try configuration.setDefaults([.port: "8811", .host: "127.0.0.1", .state: ".sd"])
    #expect(configuration.count(.port) == 0)
    #expect(configuration[.host] == .init("127.0.0.1", from: .fallback))
    #expect(configuration.text(.store) == "file:.sd")
  }

  @Test func theFileOfTheFlagIsReadInPlaceOfTheVariables() throws {
    let (one, two) = (try directory.file("1.yaml", "runtime: one"), try directory.file("2.yaml", "runtime: two"))
    #expect(try Configuration(environment: ["SD_CONFIG": two]).text(.runtime) == "two")
    #expect(try Configuration(file: one, environment: ["SD_CONFIG": two]).text(.runtime) == "one")
  }

  // MARK: State directories

  @Test func aStateDirectoryStandsForAllOfItsAddresses() throws {
    let configuration = try Configuration(flags: [.state: "/data", .runtime: "sd"])
    let expected: [ConfigurationKey: String] = [
      .queue: "file:/data?queue=sd", .store: "file:/data", .ledger: "file:/data", .topic: "file:/data",
      .events: "file:/data", .traces: "file:/data/traces.jsonl", .runtimes: "/data/runtimes.yaml",
    ]
    for (key, text) in expected { #expect(configuration.text(key) == text, "\(key.name)") }
    #expect(configuration[.store]?.source.description == "state from --state")
  }

  @Test func whatIsSaidByNameBesideAStateDirectoryCounts() throws {
    let file = try directory.file("c.yaml", "state: /data\nstore: 'memory:'\n")
    let configuration = try Configuration(file: file, environment: ["SQS_QUEUE_URL": "https://old", "SD_RUNTIME": "r"])
    #expect(configuration.text(.store) == "memory:")
    #expect(configuration.text(.queue) == "file:/data?queue=r")
    #expect(configuration.text(.ledger) == "file:/data")
  }

  @Test(arguments: ["/a?b", "/50%", "/x#y", "/a&b", "rel/ä ö"]) func aStateDirectoryOfAnyNameIsFound(path: String)
    throws
  {
    let configuration = try Configuration(flags: [.state: path, .runtime: "q"])
    let queue = try #require(PluginURI(configuration.text(.queue) ?? ""))
    #expect(queue.directory == path)
    #expect(queue["queue"] == "q")
  }

  // MARK: Errors

  @Test func anUnknownKeyOfAFileIsNamedWithItsPlaceAndALikelyOne() throws {
    let file = try directory.file("c.yaml", "queue: memory:q\n\ndead_letter: memory:d\n")
    #expect(
      message { _ = try Configuration(file: file) }
        == "there is no key \"dead_letter\", in \(file), line 3; did you mean dead-letter?")
  }

  @Test func anUnknownVariableIsNamed() {
    #expect(
      message { _ = try Configuration(environment: ["SD_QUEU": "memory:q"]) }
        == "there is no key \"SD_QUEU\", in the environment; did you mean SD_QUEUE?")
  }

  @Test func variablesThatOthersPutThereAreNoKeys() throws {
    let configuration = try Configuration(environment: [
      "SD_GATEWAY_SERVICE_HOST": "10.0.0.1", "SD_GATEWAY_SERVICE_PORT_HTTP": "80",
      "SD_GATEWAY_PORT": "tcp://10.0.0.1:80",
      "SD_GATEWAY_PORT_80_TCP_ADDR": "10.0.0.1", "SD_PORT": "tcp://10.0.0.2:80", "SD_ONLY": "x", "SD_QUEUE": "",
      "HOME": "/root",
    ])
    #expect(configuration.values.isEmpty)
  }

  @Test(arguments: [
    ("port", "65536", "a whole number from 0 to 65535"), ("port", "x", "a whole number from 0 to 65535"),
    ("grace", "-1s", "a time such as 90s or 1m30s"), ("grace", "5 parsecs", "a time such as 90s or 1m30s"),
    ("memory-budget", "lots", "a number of bytes such as 256MiB"), ("queue", "sdruntime", "a URI such as file:DIR"),
    ("look-ahead", "maybe", "true or false"), ("log-format", "xml", "one of text, json"),
  ]) func aMalformedValueIsNamedWithItsPlace(name: String, text: String, wanted: String) throws {
    let key = try #require(ConfigurationKey(named: name))
    #expect(
      message { _ = try Configuration(flags: [key: text]) }
        == "\(name) is \"\(text)\" in --\(name); it must be \(wanted)")
    #expect(
      message { _ = try Configuration(environment: [key.variable: text]) }
        == "\(name) is \"\(text)\" in the environment variable \(key.variable); it must be \(wanted)")
    let file = try directory.file("bad.yaml", "# one\n\(name): '\(text)'\n")
    #expect(
      message { _ = try Configuration(file: file) } == "\(name) is \"\(text)\" in \(file), line 2; it must be \(wanted)"
    )
  }

  @Test(arguments: [
    ("queue: memory:a\nqueue: memory:b\n", "queue"), ("- queue\n", "not a mapping"), ("queue: [a, b]\n", "one value"),
    ("queue: {a: b}\n", "one value"), ("queue: 'a\n", "is not YAML"), ("store: memory:\n", "must stand in quotes"),
    ("? [a]\n: b\n", "no key"),
  ]) func aFileThatIsNoMappingFromKeysToValuesIsRefused(yaml: String, part: String) throws {
    let file = try directory.file("c.yaml", yaml)
    let text = message { _ = try Configuration(file: file) }
    #expect(text.contains(part) && text.contains(file), "\(text)")
  }

  @Test func aFileThatIsNotThereIsNamed() {
    #expect(
      message { _ = try Configuration(file: "/nowhere/c.yaml") }
        == "reading the configuration file /nowhere/c.yaml: there is no such file")
  }

  @Test func emptyAndNullValuesOfAFileCountAsNotSaid() throws {
    let file = try directory.file("c.yaml", "queue:\nstore: ~\nruntime: ''\nport: 0\n")
    #expect(try Set(Configuration(file: file).values.keys) == [.port])
  }

  @Test func aMissingKeyIsNamedInAllItsForms() throws {
    let configuration = try Configuration(flags: [.state: "x"])
    #expect(
      message { _ = try configuration.required(.queue) }
        == "queue is not configured: say --queue, queue in the configuration file, or SD_QUEUE, or --runtime with --state"
    )
  }

  @Test func secretsOfValuesAreNotShown() throws {
    let bad = "webui http://me:hunter2@host:7860/?token=abc"
    let text = message { _ = try Configuration(flags: [.backend: bad]) }
    #expect(!text.contains("hunter2") && !text.contains("abc") && text.contains("backend"))
    let configuration = try Configuration(flags: [.backend: "webui+http://me:hunter2@host"])
    let line = try #require(configuration.effective.first { $0.key == .backend })
    #expect(line.value == "webui+http://***@host")
    #expect(line.source == "--backend")
  }

  // MARK: The table

  @Test func everyKeyHasOneNameAndOneVariable() {
    #expect(Set(ConfigurationKey.all.map(\.name)).count == ConfigurationKey.all.count)
    #expect(ConfigurationKey.deadLetter.variable == "SD_DEAD_LETTER")
    for key in ConfigurationKey.all { #expect(key.summary.hasSuffix("."), "\(key.name)") }
  }

  @Test func theDefaultsThatTheTableTellsAreTheWorkers() throws {
    let worker = WorkerConfiguration(name: "w")
    #expect(Quantity.duration(ConfigurationKey.visibility.fallback ?? "") == worker.visibility)
    #expect(Quantity.duration(ConfigurationKey.grace.fallback ?? "") == worker.grace)
    #expect(Quantity.duration(ConfigurationKey.inferenceTimeout.fallback ?? "") == worker.inferenceTimeout)
    #expect(Quantity.duration(ConfigurationKey.stallTimeout.fallback ?? "") == worker.stallTimeout)
    #expect(Quantity.bytes(ConfigurationKey.memoryBudget.fallback ?? "") == worker.memoryBudget)
    #expect(Int(ConfigurationKey.maximumAttempts.fallback ?? "") == worker.maximumAttempts)
    #expect(Quantity.boolean(ConfigurationKey.lookAhead.fallback ?? "") == worker.looksAhead)
  }

  @Test(arguments: [
    ("90", Duration.seconds(90)), ("1.5", .milliseconds(1500)), ("500ms", .milliseconds(500)), ("1m30s", .seconds(90)),
    ("2h", .seconds(7200)), ("1d", .seconds(86400)), ("0", .zero),
  ]) func timesAreUnderstood(text: String, duration: Duration) { #expect(Quantity.duration(text) == duration) }

  @Test(arguments: ["", "s", "1s1m", "1x", "1e5", "٣s", "-1", "1 s", "99999999999d", "..", "inf"])
  func whatIsNoTimeIsNone(text: String) { #expect(Quantity.duration(text) == nil) }

  @Test(arguments: [("1024", 1024), ("64KiB", 65536), ("1GB", 1_000_000_000), ("256Mi", 256 << 20)])
  func sizesAreUnderstood(text: String, bytes: Int) { #expect(Quantity.bytes(text) == bytes) }

  @Test(arguments: ["", "-1", "1 MiB", "1TiBB", "9999999999999GiB", "1.5GiB"])
  func whatIsNoSizeIsNone(text: String) { #expect(Quantity.bytes(text) == nil) }
}
