import HTTPTransport
import SDCore
import SDTestKit
import Testing

@testable import BackendPlugins

/// The contract's own suite, against stand-ins of the engines that speak the web UI's API.
@Suite struct WebUIConformanceTests {
  static let webUI = suite(isStableDiffusionCpp: false)
  static let stableDiffusionCpp = suite(isStableDiffusionCpp: true)

  static func suite(isStableDiffusionCpp: Bool) -> InferenceBackendConformance {
    InferenceBackendConformance(.init(behaviors: Set(InferenceBackendConformance.Behavior.allCases))) {
      let double = HTTPEngine()
      let engine = try isStableDiffusionCpp ? WebUIStandIn.stableDiffusionCpp(.hang) : .webUI(.hang)
      engine.change { script in
        script.make = { request in
          let body = (try? JSONValue(parsing: request.body)) ?? .null
          let count = max(0, (body["batch_size"]?.int ?? 1) * (body["n_iter"]?.int ?? 1))
          return double.answer(count) { try pictures($0, of: body, toldApart: !isStableDiffusionCpp) }
        }
        script.onInterrupt = { double.interrupt() }
      }
      let transport = CurlTransport()
      return .init(
        backend: WebUIBackend(base: engine.server.url, transport: transport),
        request: { .make(content(of: $0), attempt: $0.attempt, seed: $0.anySeed, id: $0.id) },
        impossible: [
          .make("text"), .make(["prompt": "x"], type: .pipeline), .make(["prompt": "x"], type: .imageToImage),
          .make(["init_images": ["bm9wZQ=="]], type: .imageToImage), .make(["sampler_name": "no such sampler"]),
          .make(["prompt": "x"], type: .extraSingleImage),
        ],
        tell: { behavior in
          double.tell(behavior)
          engine.change { $0.progress = progress(double, isBusy: behavior == .works) }
          if behavior == .isAway { engine.server.stop() }
        },
        working: { double.working },
        step: {
          double.step()
          engine.change { $0.progress = progress(double, isBusy: true) }
        },
        prompt: { _ in try engine.bodies.last?["prompt"]?.string },
        close: {
          await transport.shutdown()
          engine.server.stop()
        })
    }
  }

  private static func content(of order: InferenceBackendConformance.Order) -> JSONValue {
    var content: JSONValue = [
      "prompt": .string(order.prompt), "width": 16, "height": 16, "batch_size": .int(order.pictures),
    ]
    if let seed = order.seed { content["seed"] = .number(JSONNumber(seed)) }
    return content
  }

  /// As A1111 does, it counts seeds on and tells of them; sd-server tells nothing but in the pictures.
  private static func pictures(_ count: Int, of body: JSONValue, toldApart: Bool) throws -> ScriptedAnswer {
    let first = body["seed"]?.int ?? 0
    let seeds = (0..<count).map { first + $0 }
    let images = try seeds.map { try picture(UInt64($0)) }
    return toldApart ? answer(images, info: info(seeds: seeds)) : answer(images)
  }

  private static func progress(_ double: HTTPEngine, isBusy: Bool) -> String {
    let (fraction, count) = (Double(min(double.steps, 19) + 1) / 20, isBusy ? 1 : 0)
    return """
      {"progress":\(isBusy ? fraction : 0),"eta_relative":0,"state":{"job":"\(isBusy ? "txt2img" : "")",\
      "job_count":\(count),"sampling_step":\(isBusy ? min(double.steps, 19) + 1 : 0),"sampling_steps":20}}
      """
  }

  @Test("A1111's API conforms", arguments: webUI.cases)
  func webUIConforms(_ testCase: InferenceBackendConformance.Case) async throws { try await Self.webUI.run(testCase) }

  @Test("sd-server's part of it conforms", arguments: stableDiffusionCpp.cases)
  func stableDiffusionCppConforms(_ testCase: InferenceBackendConformance.Case) async throws {
    try await Self.stableDiffusionCpp.run(testCase)
  }
}
