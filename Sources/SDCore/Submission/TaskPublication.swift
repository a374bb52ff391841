/// A task on its way to the topic.
struct TaskPublication: Sendable {
  /// The message as the worker decodes it, and as the ledger keeps it.
  let body: [UInt8]
  /// The message when it is too large to travel: enough for every filter policy.
  private let stub: [UInt8]
  private let attributes: MessageAttributes
  private let groupID: String?
  private let limit: Int

  /// Room for what is added on the way: the ticket, trace headers, an envelope's own members.
  private static let margin = 8 << 10

  init(
    _ request: TaskRequest, runtime: RuntimeDescription, group: String?, store: any ObjectStore,
    trace: MessageAttributes, limit: Int
  ) {
    var payload = request.payload
    var attributes = trace
    switch request.api {
    case .v1alpha1:
      payload["s3_output_path"] = .string("\(store.bucket)/\(request.folder)")
      // The reference's filter policies go by its own form of the name; here the bare one is taken as well.
      payload["sdname"] = .string(ScriptsForm.sdname(of: runtime))
      attributes[TaskMessage.modelAttribute] = request.model.map(AttributeValue.string)
      attributes[TaskMessage.runtimeAttribute] = .string(runtime.name)
    case .legacy:
      attributes[TaskMessage.modelAttribute] = request.model.map(AttributeValue.string)
    case .v1alpha2, .v1:
      attributes[TaskMessage.runtimeAttribute] = .string(runtime.name)
    }
    if request.options.priority == .high {
      attributes[TaskMessage.priorityAttribute] = .string(TaskOptions.Priority.high.rawValue)
    }
    body = payload.serialized()
    stub = Self.stub(of: payload).serialized()
    self.attributes = attributes
    groupID = group
    self.limit = limit
  }

  func publication(of record: TaskRecord, at revision: Revision) -> Publication {
    let isStub = body.count + Self.margin > limit
    var attributes = attributes
    attributes[SubmissionTicket.attribute] = SubmissionTicket(record, revision: revision, isStub: isStub).attributeValue
    return Publication(body: isStub ? stub : body, attributes: attributes, groupID: groupID)
  }

  private static func stub(of payload: JSONValue) -> JSONValue {
    if var metadata = payload["metadata"] {
      metadata["context"] = nil  // as large as its client likes; the ledger has it
      return ["metadata": metadata, "content": [:]]
    }
    var scripts = JSONObject()
    for name in ["task", "id_task", "sd_model_checkpoint"] { scripts[name] = payload["alwayson_scripts"]?[name] }
    var stub: JSONValue = ["alwayson_scripts": .object(scripts)]
    stub["sdname"] = payload["sdname"]
    stub["s3_output_path"] = payload["s3_output_path"]
    return stub
  }
}
