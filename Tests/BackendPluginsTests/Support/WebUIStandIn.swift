import SDCore
import SDTestKit
import Synchronization

@testable import BackendPlugins

/// A web UI engine as `backends.md` describes them, told by a test what to answer.
final class WebUIStandIn: Sendable {
  struct Script: Sendable {
    /// What txt2img, img2img and the extras answer, in order; then the last one again.
    var answers: [ScriptedAnswer]
    var loaded: String? = "first.safetensors [1111111111]"
    var models = ["first", "second"]
    var hash: String?
    var progress = #"{"progress":0.0,"eta_relative":0.0,"state":{"job":"","job_count":0},"current_image":null}"#
    /// Routes that are not there.
    var missing: Set<String> = []
    /// Makes the answer to a request for pictures, in place of `answers`.
    var make: (@Sendable (RecordedRequest) -> ScriptedAnswer)?
    /// Called when it is interrupted.
    var onInterrupt: @Sendable () -> Void = {}
  }

  private struct State {
    var script: Script
    var given = 0
  }

  /// What threads of the server read.
  private final class Shared: Sendable {
    let state: Mutex<State>
    init(_ script: Script) { state = Mutex(State(script: script)) }
  }

  let server: ScriptedHTTPServer
  private let shared: Shared

  init(_ script: Script) throws {
    let shared = Shared(script)
    self.shared = shared
    server = try ScriptedHTTPServer { request in
      let route = request.path.split(separator: "/").last.map(String.init) ?? ""
      let script = shared.state.withLock { $0.script }
      if script.missing.contains(route) { return .respond(status: 404) }
      switch (request.method, route) {
      case ("GET", "options"):
        return .json("{\"sd_model_checkpoint\":\(script.loaded.map { "\"\($0)\"" } ?? "null")}")
      case ("GET", "sd-models"):
        let entries = script.models.map { name in
          let hash = script.hash.map { "\"\($0)\"" } ?? "null"
          return """
            {"title":"\(name).safetensors [1111111111]","model_name":"\(name)","hash":\(hash),\
            "filename":"/models/\(name).safetensors"}
            """
        }
        return .json("[" + entries.joined(separator: ",") + "]")
      case ("GET", "samplers"):
        return .json(#"[{"name":"Euler","aliases":["k_euler"]},{"name":"DPM++ 2M","aliases":["k_dpmpp_2m"]}]"#)
      case ("GET", "schedulers"): return .json(#"[{"name":"karras","label":"Karras"}]"#)
      case ("GET", "progress"): return .json(script.progress)
      case ("POST", "interrupt"):
        script.onInterrupt()
        return .json("{}")
      case ("POST", "server-stop"): return .json("{}")
      case ("POST", "txt2img"), ("POST", "img2img"), ("POST", "extra-single-image"), ("POST", "extra-batch-images"):
        if let make = script.make { return make(request) }
        return shared.state.withLock { state in
          defer { state.given += 1 }
          return state.script.answers[min(state.given, state.script.answers.count - 1)]
        }
      case ("GET", _): return .respond(status: 405)
      default: return .respond(status: 404)
      }
    }
  }

  /// Changes what it answers from now on.
  func change(_ body: (inout Script) -> Void) { shared.state.withLock { body(&$0.script) } }

  /// A1111 or Forge: every route.
  static func webUI(_ answers: ScriptedAnswer..., change: (inout Script) -> Void = { _ in }) throws -> WebUIStandIn {
    var script = Script(answers: answers)
    change(&script)
    return try WebUIStandIn(script)
  }

  /// stable-diffusion.cpp's server: half of the routes, a placeholder for a hash.
  static func stableDiffusionCpp(_ answers: ScriptedAnswer...) throws -> WebUIStandIn {
    var script = Script(answers: answers)
    (script.loaded, script.models, script.hash) = ("tiny", ["tiny"], "8888888888")
    script.missing = ["progress", "interrupt", "extra-single-image", "extra-batch-images", "server-stop"]
    return try WebUIStandIn(script)
  }

  /// The bodies of the requests that make pictures.
  var bodies: [JSONValue] {
    get throws {
      try server.requests.filter { $0.method == "POST" && ($0.path.hasSuffix("2img") || $0.path.contains("extra")) }
        .map { try JSONValue(parsing: $0.body) }
    }
  }
}

/// An answer of txt2img with pictures, and `info` as the object that its string holds.
func answer(_ images: [[UInt8]], info: JSONValue? = nil, parameters: JSONValue = [:]) -> ScriptedAnswer {
  let json: JSONValue = [
    "images": .strings(images.map(Base64.encode)), "parameters": parameters, "info": .string(info?.text ?? ""),
  ]
  return .json(json.text)
}

/// `info` of so many pictures.
func info(
  seeds: [Int], first: Int = 0, model: String = "first", sampler: String = "Euler"
) -> JSONValue {
  [
    "all_seeds": .array(seeds.map(JSONValue.int)), "seed": .int(seeds.first ?? 0), "index_of_first_image": .int(first),
    "sd_model_name": .string(model), "sd_model_hash": "1111111111", "sampler_name": .string(sampler),
  ]
}
