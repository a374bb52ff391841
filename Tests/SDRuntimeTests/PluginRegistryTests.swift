import MemoryPlugins
import SDCore
import Testing

@testable import SDRuntime

@Suite struct PluginRegistryTests {
  private func context(_ flags: [ConfigurationKey: String] = [:]) throws -> PluginContext {
    PluginContext(configuration: try Configuration(flags: flags))
  }

  private func value(_ text: String) -> ConfigurationValue { .init(text, from: .flag("queue")) }

  @Test func aSchemeWithoutAPluginIsNamedWithThoseThereAre() async throws {
    let context = try context()
    let error = await #expect(throws: SDError.self) {
      try await PluginRegistry.standard.queues.make(value("kafka://me:pw@broker/q?token=t"), in: context)
    }
    #expect(error?.code == .configuration)
    #expect(
      error?.message
        == "queue is \"kafka://***@broker/q?token=***\" in --queue: no plugin has that scheme; there are file:, http:, https:, memory:, sqs:"
    )
  }

  @Test func aProgramsOwnPluginIsUsed() async throws {
    var registry = PluginRegistry.standard
    registry.queues.register("Redis", usage: "redis://host/list") { uri, context in
      MemoryQueue.inSystem(named: uri.authority ?? "")
    }
    #expect(registry.queues.schemes == ["file", "http", "https", "memory", "redis", "sqs"])
    #expect(PluginRegistry.standard.queues.schemes == ["file", "http", "https", "memory", "sqs"])
    let queue = try await registry.queues.make(value("redis://host:1/list"), in: context())
    #expect(queue.name == "host:1")
  }

  @Test func whatAFactoryRefusesIsToldWithKeyAndPlace() async throws {
    let context = try context()
    for (text, part) in [
      ("file:/tmp", "must name a queue"), ("memory:", "must name a queue"), ("file:?queue=q", "directory"),
    ] {
      let error = await #expect(throws: SDError.self) {
        try await PluginRegistry.standard.queues.make(value(text), in: context)
      }
      #expect(error?.message.hasPrefix("queue is \(text) in --queue: ") == true, "\(String(describing: error))")
      #expect(error?.message.contains(part) == true)
    }
  }

  @Test func everyRoleOfAMemoryAddressMeansOneSystem() async throws {
    let (registry, context) = (PluginRegistry.standard, try context())
    let name = "one-\(UInt64.random(in: 0 ... .max))"
    let topic = try await registry.topics.make(value("memory:\(name)"), in: context)
    let queue = try await registry.queues.make(value("memory:\(name)?queue=q"), in: context)
    try await (topic as? any SubscribingTopic)?.replaceSubscriptions([.init(queue: "q")])
    try await topic.publish(Publication(body: Array("x".utf8)))
    let leases = try await queue.receive(max: 1, wait: .zero, visibility: nil)
    #expect(leases.map(\.body) == [Array("x".utf8)])
  }

  @Test func everyRoleOfADirectoryMeansOneDatabase() async throws {
    let directory = try TemporaryDirectory()
    let (registry, context) = (PluginRegistry.standard, try context())
    let topic = try await registry.topics.make(value("file:\(directory.path)"), in: context)
    let queue = try await registry.queues.make(value("file:\(directory.path)/?queue=q"), in: context)
    try await (topic as? any SubscribingTopic)?.replaceSubscriptions([.init(queue: "q")])
    try await topic.publish(Publication(body: Array("x".utf8)))
    let leases = try await queue.receive(max: 1, wait: .zero, visibility: nil)
    #expect(leases.map(\.body) == [Array("x".utf8)])
  }

  @Test(arguments: ["file:/elsewhere?queue=d", "memory:d", "sqs:d"])
  func deadLettersThatCannotBeReachedAreRefused(letters: String) async throws {
    let directory = try TemporaryDirectory()
    let context = try context([.deadLetter: letters.replacing("/elsewhere", with: directory.path + "/elsewhere")])
    await #expect(throws: SDError.self) {
      try await PluginRegistry.standard.queues.make(value("file:\(directory.path)?queue=q"), in: context)
    }
  }

  @Test func topicsWithoutListenersAreThere() async throws {
    let topic = try await PluginRegistry.standard.events.make(value("none:"), in: context())
    #expect(topic is SilentTopic)
  }
}

extension MemoryQueue {
  static func inSystem(named name: String) -> MemoryQueue { MemorySystem(name: name).queue(name) }
}

@Suite struct PluginURITests {
  @Test func addressesAreTakenApart() throws {
    let web = try #require(PluginURI("WebUI+http://me:p%40ss@host:7860/a%20b?timeout=5s&x"))
    #expect(web.scheme == "webui+http")
    #expect((web.authority, web.user, web.password) == ("host:7860", "me", "p@ss"))
    #expect(web.path == "/a b")
    #expect(web["timeout"] == "5s" && web["x"] == "" && web["y"] == nil)
    #expect(web.serverURL == "http://host:7860/a%20b")
    #expect("\(web)" == "WebUI+http://***@host:7860/a%20b?timeout=5s&x")
    let arn = try #require(PluginURI("arn:aws:sns:eu-west-1:1:topic"))
    #expect((arn.scheme, arn.authority, arn.path) == ("arn", nil, "aws:sns:eu-west-1:1:topic"))
  }

  @Test(arguments: [
    ("file:.sd", ".sd"), ("file:///var/sd", "/var/sd"), ("file:/var/sd?queue=x", "/var/sd"),
    ("file://localhost/var/sd", "/var/sd"), ("file:a%3Fb", "a?b"),
  ]) func directoriesAreFound(text: String, directory: String) { #expect(PluginURI(text)?.directory == directory) }

  @Test(arguments: ["", "file", ":x", "1file:x", "fi le:x", "file:%zz", "file:%ff", "file:%00", "file:a?b=%4"])
  func whatIsNoAddressIsNone(text: String) { #expect(PluginURI(text) == nil) }
}
