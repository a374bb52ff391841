internal import Foundation
internal import SDCore
internal import Synchronization

/// A refusal, as the engine words it.
struct A1111Refusal: Error {
  var status: Int
  var body: JSONValue
}

extension A1111Server {
  func answer(_ request: RecordedRequest) -> ScriptedAnswer {
    // --api-auth is HTTP Basic: 401 and WWW-Authenticate [src].
    if let credentials = configuration.credentials {
      let expected = "Basic " + Data("\(credentials.user):\(credentials.password)".utf8).base64EncodedString()
      guard request.header("authorization") == expected else {
        return .respond(
          status: 401, headers: [("WWW-Authenticate", "Basic"), ("Content-Type", "application/json")],
          body: #"{"detail":"Incorrect username or password"}"#)
      }
    }
    guard request.path.hasPrefix("/sdapi/v1/") else { return Self.notFound }
    let route = String(request.path.dropFirst("/sdapi/v1/".count))
    guard let methods = routes[route] else { return Self.notFound }
    // 405 for another method, 404 for an unknown path.
    guard let handler = methods[request.method] else {
      return .json(#"{"detail":"Method Not Allowed"}"#, status: 405)
    }
    do {
      return try handler(request)
    } catch let refusal as A1111Refusal {
      return .json(refusal.body.text, status: refusal.status)
    } catch {
      return .json(internalError("Exception", "\(error)").text, status: 500)
    }
  }

  private static let notFound = ScriptedAnswer.json(#"{"detail":"Not Found"}"#, status: 404)

  private typealias Handler = (RecordedRequest) throws -> ScriptedAnswer

  private var routes: [String: [String: Handler]] {
    var routes: [String: [String: Handler]] = [
      "txt2img": ["POST": { try self.draw($0, isImg2Img: false) }],
      "img2img": ["POST": { try self.draw($0, isImg2Img: true) }],
      "extra-single-image": ["POST": { try self.extras($0, isBatch: false) }],
      "extra-batch-images": ["POST": { try self.extras($0, isBatch: true) }],
      "progress": ["GET": { .json(self.progress($0).text) }],
      // Always 200, and global: it hits whatever runs.
      "interrupt": ["POST": { _ in self.flag { $0.isInterrupted = true } }],
      "skip": ["POST": { _ in self.flag { $0.isSkipped = true } }],
      "options": [
        "GET": { _ in .json(self.state.withLock { JSONValue.object($0.options).text }) }, "POST": setOptions,
      ],
      "sd-models": ["GET": { _ in .json(self.modelList.text) }],
      // Takes the queue lock: it waits behind a running job.
      "refresh-checkpoints": ["POST": { _ in self.inTurn { self.refresh() } }],
      "refresh-vae": ["POST": { _ in self.inTurn { .json("null") } }],
      // Not locked [src]: they act at once, whatever runs.
      "unload-checkpoint": ["POST": { _ in self.moveModel("unload-checkpoint", isLoaded: false) }],
      "reload-checkpoint": ["POST": { _ in self.moveModel("reload-checkpoint", isLoaded: true) }],
      "memory": ["GET": { _ in .json(self.memory.text) }],
      "samplers": [
        "GET": { _ in
          self.list(self.configuration.samplers.map { ["name": .string($0.name), "aliases": .strings($0.aliases)] })
        }
      ],
      "schedulers": [
        "GET": { _ in
          self.list(self.configuration.schedulers.map { ["name": .string($0.name), "label": .string($0.label)] })
        }
      ],
      "upscalers": ["GET": { _ in self.list(self.configuration.upscalers.map { ["name": .string($0)] }) }],
      "latent-upscale-modes": ["GET": { _ in self.list([["name": "Latent"], ["name": "Latent (nearest)"]]) }],
      "scripts": ["GET": { _ in .json(#"{"txt2img":["x/y/z plot","controlnet"],"img2img":["controlnet"]}"#) }],
      "embeddings": ["GET": { _ in .json(#"{"loaded":{},"skipped":{}}"#) }],
      // Gave 500 on Forge.
      "cmd-flags": ["GET": { _ in throw self.refusal("TypeError", "not serializable") }],
    ]
    if configuration.hasServerStop {
      // 200 "Stopping."; under --nowebui it goes on serving.
      routes["server-stop"] = ["POST": { _ in .json(#""Stopping.""#) }]
      // 501 unless SD_WEBUI_RESTART is set.
      routes["server-restart"] = ["POST": { _ in .respond(status: 501) }]
      // os._exit(0): the connection drops without a response.
      routes["server-kill"] = ["POST": { _ in .reset }]
    }
    return routes
  }

  private func list(_ entries: [JSONValue]) -> ScriptedAnswer { .json(JSONValue.array(entries).text) }

  private func flag(_ change: (inout State) -> Void) -> ScriptedAnswer {
    state.withLock { change(&$0) }
    return .json("{}")
  }

  /// 500 as Forge words it, `{error, detail, body, message}`, or as A1111's middleware does, `{error, detail, body,
  /// errors}` [src].
  func internalError(_ type: String, _ message: String) -> JSONValue {
    var body: JSONValue = ["error": .string(type), "detail": "", "body": ""]
    body[configuration.isForge ? "message" : "errors"] = .string(message)
    return body
  }

  func refusal(_ type: String, _ message: String) -> A1111Refusal {
    A1111Refusal(status: 500, body: internalError(type, message))
  }

  // MARK: Options, models, memory

  private func setOptions(_ request: RecordedRequest) throws -> ScriptedAnswer {
    guard let changes = (try? JSONValue(parsing: request.body))?.object else { throw Self.badBody }
    // A partial update, not under the queue lock [src], written to config.json.
    if let title = changes["sd_model_checkpoint"]?.string {
      guard state.withLock({ $0.models.contains { $0.title == title } }) else {
        throw A1111Refusal(
          status: 500, body: ["error": "RuntimeError", "message": .string("model '\(title)' not found")])
      }
    }
    state.withLock { state in
      if state.job != nil { state.violations.append("POST options during a job") }
      for change in changes.members { state.options[change.name] = change.value }
      if let title = changes["sd_model_checkpoint"]?.string { state.loaded = title }
    }
    return .json("null")
  }

  private var modelList: JSONValue {
    .array(
      state.withLock { $0.models }.map { model in
        // The hash is null until it was computed.
        [
          "title": .string(model.title), "model_name": .string(model.name),
          "hash": model.hash.map(JSONValue.string) ?? .null, "sha256": nil,
          "filename": .string("/models/Stable-diffusion/\(model.name).safetensors"), "config": nil,
        ]
      })
  }

  private func refresh() -> ScriptedAnswer {
    state.withLock { state in
      state.models += state.newModels
      state.newModels = []
    }
    return .json("null")
  }

  private func moveModel(_ route: String, isLoaded: Bool) -> ScriptedAnswer {
    state.withLock { state in
      if state.job != nil { state.violations.append("\(route) during a job") }
      state.isLoaded = isLoaded
      if !isLoaded { state.isFragmented = false }
    }
    return .json("{}")
  }

  private var memory: JSONValue {
    [
      "ram": ["free": 1e9, "used": 1e9, "total": 2e9].asJSON,
      "cuda": ["system": ["free": 1_610_612_736, "used": 24_159_191_040, "total": 25_769_803_776]],
    ]
  }

  // MARK: Progress

  /// Not locked: it answers in milliseconds during a job. Idle is progress 0, job "" and job_count 0.
  private func progress(_ request: RecordedRequest) -> JSONValue {
    let (job, isInterrupted, isSkipped) = state.withLock { ($0.job, $0.isInterrupted, $0.isSkipped) }
    let wantsImage = request.query?.contains("skip_current_image=true") != true
    var told: JSONValue = ["progress": 0.0.asJSON, "eta_relative": 0.0.asJSON, "current_image": nil, "textinfo": nil]
    var inner: JSONValue = [
      "skipped": .bool(isSkipped), "interrupted": .bool(isInterrupted), "stopping_generation": false, "job": "",
      "job_count": 0, "job_timestamp": "20250101000000", "job_no": 0, "sampling_step": 0, "sampling_steps": 0,
    ]
    if let job {
      let done = (Double(job.batch) + Double(job.step) / Double(max(1, job.steps))) / Double(max(1, job.batches))
      told["progress"] = min(0.99, done).asJSON
      told["eta_relative"] = 2.5.asJSON
      inner["job"] = "scripts_txt2img"
      inner["job_count"] = .int(job.batches)
      inner["job_no"] = .int(job.batch)
      inner["sampling_step"] = .int(job.step)
      inner["sampling_steps"] = .int(job.steps)
      if wantsImage, configuration.makesPreviews {
        told["current_image"] = .string(Self.base64(FakeImage.png(width: 8, height: 8, gray: UInt8(job.step & 0xFF))))
      }
    }
    told["state"] = inner
    return told
  }

  static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

  /// Bad JSON is 422 too, and so is a body of another type.
  static let badBody = A1111Refusal(
    status: 422,
    body: ["detail": [["type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": [:]]]])
}

extension Double {
  fileprivate var asJSON: JSONValue { .double(self) }
}

extension [String: Double] {
  fileprivate var asJSON: JSONValue {
    .object(JSONObject(sorted { $0.key < $1.key }.map { ($0.key, .double($0.value)) }))
  }
}
