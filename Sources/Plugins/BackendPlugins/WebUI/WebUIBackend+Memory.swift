public import SDCore
import Synchronization

extension WebUIBackend {
  /// Has the engine let go of its model and load it again, which gives back what other jobs left behind.
  ///
  /// Only between jobs: the engine does it at once, whatever runs. It is ours until the task in hand has ended.
  /// - Returns: whether the engine has such a call.
  func freeMemory() async -> Bool {
    guard let unloaded = try? await client.post("unload-checkpoint", timeout: Limit.reload), unloaded.isSuccess else {
      return false
    }
    _ = try? await client.post("reload-checkpoint", timeout: Limit.reload)
    return true
  }

  /// The web UI keeps in main memory what it has loaded before, and has no bound to that: its process is measured, not the
  /// GPU, of which it needs all it can get.
  public func recycleMemory(above limit: Int) async -> RecycledMemory? {
    guard let before = await usedMemory(), before > limit, await freeMemory() else { return nil }
    return RecycledMemory(before: before, after: await usedMemory() ?? before)
  }

  private func usedMemory() async -> Int? {
    guard let answer = try? await client.get("memory", timeout: Limit.question),
      let used = answer.json?["ram"]?["used"]?.double, used >= 0, used < 1e15
    else { return nil }
    return Int(used)
  }

  /// What an engine without memory is to tell the client: what was asked for, what there is, what to do.
  func withAdvice(_ error: TaskError, _ request: InferenceRequest, isSecond: Bool = false) async -> TaskError {
    var error = error
    if isSecond { error.message += "; so it was again after its memory had been freed" }
    if let free = await freeGPUMemory() { error.message += "; \(free)" }
    error.message += "; ask for less: \(Self.thrift(request.content))"
    return error
  }

  private func freeGPUMemory() async -> String? {
    guard let answer = try? await client.get("memory", timeout: Limit.question),
      let system = answer.json?["cuda"]?["system"], let free = system["free"]?.double,
      let total = system["total"]?.double
    else { return nil }
    func gibibytes(_ bytes: Double) -> String { "\((bytes / 107_374_182.4).rounded() / 10)" }
    return "the GPU has \(gibibytes(free)) of \(gibibytes(total)) GiB free"
  }

  /// What of a request could be smaller.
  static func thrift(_ content: JSONValue) -> String {
    let (width, height) = (content["width"]?.int ?? 512, content["height"]?.int ?? 512)
    var ways = ["a smaller size than \(width)x\(height)"]
    if let batch = content["batch_size"]?.int, batch > 1 { ways.append("n_iter rather than a batch_size of \(batch)") }
    if content["enable_hr"]?.bool == true { ways.append("a smaller hr_scale, or no enable_hr") }
    let units = (content["alwayson_scripts"]?.object?.members ?? []).first { $0.name.lowercased() == "controlnet" }
    if let count = units?.value["args"]?.array?.count, count > 1 { ways.append("fewer than \(count) ControlNet units") }
    return ways.joined(separator: ", ")
  }
}
