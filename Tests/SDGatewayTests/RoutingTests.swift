import HTTPTypes
import MemoryPlugins
import SDCore
import Testing

@testable import SDGateway

/// Tasks that the filter policy of a queue would drop are refused, not recorded and lost.
@Suite struct RoutingTests {
  private static let catalog = RuntimeCatalog([
    .init(name: "old", engine: "webui", model: "old.safetensors", routing: .reference),
    .init(name: "newer", engine: "webui", model: "newer.safetensors", routing: .successor),
    .init(name: "any", engine: "webui", dynamicModel: true, routing: .reference),
  ])

  private static func scripts(_ model: String, sdname: String? = nil) -> JSONValue {
    var body: JSONValue = [
      "prompt": "a cat",
      "alwayson_scripts": ["task": "text-to-image", "id_task": "1", "sd_model_checkpoint": .string(model)],
    ]
    body["sdname"] = sdname.map(JSONValue.string)
    return body
  }

  @Test("A queue with the reference's filter gets its API's tasks with its model, and others are told so")
  func reference() async throws {
    let house = try House(catalog: Self.catalog)
    let door = house.door()
    let refused = await door.post("/v1/tasks", lighthouse.with(["runtime": "old"]))
    #expect(refused.status == .unprocessableContent)
    let field = try await refused.json["errors"]?.array?.first
    #expect(field?["pointer"] == "/runtime")
    #expect(field?["detail"] == "runtime old gets tasks of /v1alpha1 only, with the model old.safetensors")
    let byModel = lighthouse.with(["runtime": nil, "model": "old.safetensors"])
    #expect(await door.post("/v1/tasks", byModel).status == .unprocessableContent)
    #expect(await door.post("/", Self.scripts("old.safetensors", sdname: "oldAddon")).status == .ok)
    // Another model, and no sdname: the filter asks for both.
    #expect(await door.post("/", Self.scripts("other.safetensors", sdname: "oldAddon")).status == .badRequest)
    let bare = await door.post("/v1alpha1", Self.scripts("old.safetensors"))
    #expect(bare.status == .badRequest)
    #expect(try await house.system.ledger.page(LedgerQuery()).records.count == 1, "what is refused is not recorded")
  }

  @Test("A dynamic one of the reference's gets tasks of both systems that name a model")
  func dynamic() async throws {
    let door = try House(catalog: Self.catalog).door()
    #expect(await door.post("/v1alpha1", Self.scripts("unheard-of.safetensors")).status == .ok)
    #expect(await door.post("/v1/tasks", lighthouse.with(["runtime": "any"])).status == .unprocessableContent)
  }

  @Test("A queue with the successor's filter gets whatever names it or its model")
  func successor() async throws {
    let door = try House(catalog: Self.catalog).door()
    #expect(await door.post("/v1/tasks", lighthouse.with(["runtime": "newer"])).status == .created)
    #expect(await door.post("/v1alpha1", Self.scripts("newer.safetensors")).status == .ok)
  }
}
