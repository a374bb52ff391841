/// A runtime as v1's clients see it: what `GET /v1/runtimes` answers of each.
public struct RuntimeView: Sendable, Hashable {
  /// Its name, by which tasks ask for it.
  public var name: String
  /// The kind of engine.
  public var engine: String
  /// The model that it has loaded, where it is a fixed one.
  public var model: String?
  /// Whether it loads whatever model a task names.
  public var dynamicModel: Bool
  /// Whether its workers take one task each and end.
  public var isJob: Bool
  /// Which tasks reach it.
  public var routing: RuntimeDescription.Routing
  /// How full its queue is, where that could be found out.
  public var queue: QueueStats?

  /// A runtime and its queue's counts.
  public init(_ runtime: RuntimeDescription, queue: QueueStats?) {
    (name, engine, model) = (runtime.name, runtime.engine, runtime.model)
    (dynamicModel, isJob, routing, self.queue) = (runtime.dynamicModel, runtime.isJob, runtime.routing, queue)
  }

  /// The view as it goes over the wire.
  public var json: JSONValue {
    var json: JSONValue = ["name": .string(name), "engine": .string(engine)]
    json["model"] = model.map(JSONValue.string)
    json["dynamic_model"] = .bool(dynamicModel)
    json["job"] = .bool(isJob)
    if routing != .attributes { json["routing"] = .string(routing.rawValue) }
    if let queue {
      var counts: JSONValue = [
        "waiting": .int(queue.waiting), "in_flight": .int(queue.inFlight), "delayed": .int(queue.delayed),
      ]
      counts["dead"] = queue.dead.map(JSONValue.int)
      counts["oldest_age"] = queue.oldestAge.map(JSONValue.double)
      json["queue"] = counts
    }
    return json
  }

  /// A view from what came over the wire.
  ///
  /// Throws `RequestProblem`.
  public init(json: JSONValue) throws(RequestProblem) {
    let reader = try ViewReader(json, of: "a runtime")
    name = try reader.string("name")
    engine = try reader.string("engine")
    model = json["model"]?.string
    dynamicModel = json["dynamic_model"]?.bool ?? false
    isJob = json["job"]?.bool ?? false
    routing = json["routing"]?.string.flatMap(RuntimeDescription.Routing.init) ?? .attributes
    queue = json["queue"].flatMap { counts in
      guard let waiting = counts["waiting"]?.int, let inFlight = counts["in_flight"]?.int else { return nil }
      return QueueStats(
        waiting: waiting, inFlight: inFlight, delayed: counts["delayed"]?.int ?? 0, dead: counts["dead"]?.int,
        oldestAge: counts["oldest_age"]?.double)
    }
  }
}
