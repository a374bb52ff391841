import SDCore

/// What ComfyUI's refusals and failures mean to the task in hand.
enum ComfyFault {
  /// The error of a prompt that was not taken, or only in part (200 with `node_errors`).
  ///
  /// - Parameter graph: names the nodes' classes where ComfyUI does not.
  static func refused(status: Int, body: [UInt8], graph: ComfyGraph) -> TaskError {
    let json = try? JSONValue(parsing: body)
    if let (code, retryable) = EngineFault.code(ofStatus: status) {
      return TaskError(code, .infer, "ComfyUI answered the prompt with \(status)", retryable: retryable)
    }
    guard let json, json.object != nil else {
      // A body that is not JSON gives 500 and plain text; ours is JSON, so this is a failure of its own.
      let text = EngineFault.cut(String(decoding: body.prefix(1024), as: UTF8.self))
      return TaskError(
        status >= 500 ? .engineFailed : .engineRejected, .infer, "ComfyUI answered the prompt with \(status): \(text)")
    }
    let faults = nodeFaults(json["node_errors"], graph)
    let whole = [json["error"]?["message"]?.string, json["error"]?["details"]?.string]
      .compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
    let lines = faults.map(\.text) + (faults.isEmpty && !whole.isEmpty ? [whole] : [])
    let said = lines.isEmpty ? "" : ": " + EngineFault.cut(lines.prefix(8).joined(separator: "; "), to: 1000)
    let code = faults.compactMap(\.code).first ?? (status >= 500 ? .engineFailed : .engineRejected)
    return TaskError(
      code, .infer, "ComfyUI refuses the graph\(said)", reason: EngineFault.presentable(json))
  }

  private struct NodeFault {
    var text: String
    var code: TaskError.Code?
  }

  private static func nodeFaults(_ errors: JSONValue?, _ graph: ComfyGraph) -> [NodeFault] {
    (errors?.object?.members ?? []).flatMap { node -> [NodeFault] in
      let type = node.value["class_type"]?.string ?? graph.classType(of: node.name) ?? "node"
      return (node.value["errors"]?.array ?? []).prefix(8).map { error in
        let message = error["message"]?.string ?? error["type"]?.string ?? "is not valid"
        let details = error["details"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        let input = error["extra_info"]?["input_name"]?.string ?? details?.prefix { $0 != ":" }.description
        return NodeFault(
          text: "\(type) (node \(EngineFault.cut(node.name, to: 32))): \(message)" + (details.map { ", \($0)" } ?? ""),
          code: code(error["type"]?.string, type, input))
      }
    }
  }

  /// A file that is not in a list is a model that is not there; an image that cannot be loaded is the task's.
  private static func code(_ type: String?, _ nodeType: String, _ input: String?) -> TaskError.Code? {
    switch type {
    case "value_not_in_list" where input?.hasSuffix("_name") == true && input != "sampler_name": .modelNotFound
    case "custom_validation_failed" where nodeType.hasPrefix("LoadImage"): .inputInvalid
    default: nil
    }
  }

  /// The error of a run that failed, by the last message of its history; `nil` where that tells of an interrupt.
  static func failed(_ entry: JSONValue) -> TaskError? {
    let messages = entry["status"]?["messages"]?.array ?? []
    if messages.last?.array?.first?.string == "execution_interrupted" { return nil }
    let told = messages.last { $0.array?.first?.string == "execution_error" }?.array?.dropFirst().first
    guard let told else {
      return TaskError(.engineFailed, .infer, "ComfyUI says that the graph failed, and not how")
    }
    let type = told["exception_type"]?.string ?? "error"
    let message = told["exception_message"]?.string ?? ""
    let node = "\(told["node_type"]?.string ?? "a node") (node \(told["node_id"]?.string ?? "?"))"
    let text = EngineFault.cut("\(node) failed: \(type): \(message)", to: 600)
    let searched = "\(type) \(message)".lowercased()
    let isMemory = EngineFault.outOfMemory.contains { searched.contains($0) }
    var reason: JSONValue = [:]
    for name in ["node_id", "node_type", "exception_type", "exception_message"] {
      reason[name] = told[name]?.shortened(to: 512)
    }
    return TaskError(isMemory ? .outOfMemory : .engineFailed, .infer, text, reason: reason)
  }
}
