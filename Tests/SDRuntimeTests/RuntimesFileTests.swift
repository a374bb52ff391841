import MemoryPlugins
import SDCore
import Testing

@testable import SDRuntime

@Suite struct RuntimesFileTests {
  @Test(arguments: [
    RuntimeCatalog.standard,
    RuntimeCatalog([
      .init(name: "a", engine: "webui", model: "x: y #z 'q' \"d\" \\ é\u{1}.safetensors"),
      .init(name: "_1", engine: "comfyui", dynamicModel: true, isJob: true, queue: "file:/tmp/x?queue=a&b"),
      .init(name: "true", engine: "openai", model: "null"), .init(name: "007", engine: "webui", model: "1.5"),
      .init(name: "old", engine: "webui", model: "m", routing: .reference),
    ]),
  ]) func aCatalogIsReadAsItWasWritten(catalog: RuntimeCatalog) throws {
    #expect(try RuntimeCatalog(yaml: catalog.yaml, path: "r.yaml") == catalog)
  }

  @Test(arguments: [
    ("", "has no list"), ("runtimes: []", "describes no runtime"), ("runtimes:\n- {name: a}\n- {name: A}", "twice"),
    ("runtimes:\n- {engine: webui}", "line 2 has no name"),
    ("runtimes:\n- name: a\n  modell: x", "line 3; did you mean model?"),
    ("runtimes:\n- name: ../x", "is called"), ("runtimes:\n- name: a\n  job: perhaps", "true or false"),
    ("runtimes:\n- name: a\n  routing: body", "there are: attributes, successor, reference"),
    ("runtimes: x", "must be a list"), ("runtime: []", "did you mean runtimes?"),
    ("runtimes:\n- x", "must be a mapping"),
  ]) func whatCannotBeIsRefusedWithItsPlace(yaml: String, part: String) {
    #expect {
      _ = try RuntimeCatalog(yaml: yaml, path: "r.yaml")
    } throws: { error in
      let message = (error as? SDError)?.message ?? ""
      return message.contains("r.yaml") && message.contains(part)
    }
  }

  @Test func anEngineThatServesThemAllIsWhatTheyAre() {
    let catalog = RuntimeCatalog([
      .init(name: "pattern", engine: "test-pattern", model: "m"), .init(name: "own", engine: "webui", model: "n"),
    ])
    #expect(
      catalog.served(by: "webui").runtimes == [
        .init(name: "pattern", engine: "webui", dynamicModel: true), .init(name: "own", engine: "webui", model: "n"),
      ])
    #expect(catalog.served(by: "test-pattern").runtimes.map(\.engine) == ["test-pattern", "test-pattern"])
    #expect(catalog.served(by: "test-pattern").runtimes.map(\.model) == ["m", "n"])
  }

  @Test func anObjectOfAStoreHoldsACatalogToo() async throws {
    let store = MemorySystem().store("shelf")
    var registry = PluginRegistry.standard
    registry.stores.register("shelf", usage: "shelf://BUCKET") { uri, _ in
      #expect(uri.text == "shelf://bucket")
      return store
    }
    func catalog(_ address: String) async throws -> RuntimeCatalog {
      try await Composition(Configuration(flags: [.runtimes: address]), registry: registry).catalog(creating: .standard)
    }
    let missing = await #expect(throws: SDError.self) { try await catalog("shelf://bucket/.sd/runtimes.yaml") }
    #expect(missing?.code == .configuration && missing?.message.contains("there is no such object") == true)
    try await store.put(".sd/runtimes.yaml", Array("runtimes:\n- {name: a, engine: webuii: x}".utf8))
    await #expect(throws: SDError.self) { try await catalog("shelf://bucket/.sd/runtimes.yaml") }
    let written = RuntimeCatalog([.init(name: "sdxl", engine: "webui", model: "m.safetensors")])
    try await store.put(".sd/runtimes.yaml", Array(written.yaml.utf8))
    #expect(try await catalog("shelf://bucket/.sd/runtimes.yaml") == written)
    let elsewhere = await #expect(throws: SDError.self) { try await catalog("shelf://bucket/") }
    #expect(elsewhere?.message.contains("it must name an object, as in shelf://bucket/key") == true)
  }

  @Test func aMissingFileIsMadeOnceAndThenKept() async throws {
    let directory = try TemporaryDirectory()
    let file = RuntimesFile("\(directory.path)/new/runtimes.yaml")
    let catalogs = (1...8).map { RuntimeCatalog([.init(name: "r\($0)", engine: "webui")]) }
    let read = try await withThrowingTaskGroup(of: RuntimeCatalog.self) { group in
      for catalog in catalogs { group.addTask { try file.read(orCreate: catalog) } }
      return try await group.reduce(into: Set()) { $0.insert($1) }
    }
    #expect(read.count == 1)
    #expect(try file.read(orCreate: .standard) == read.first)
  }
}
