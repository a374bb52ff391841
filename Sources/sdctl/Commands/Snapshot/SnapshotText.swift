import AWSKit
import FoundationEssentials
import SDCore
import Snapshots

extension BuiltSnapshot {
  /// As programs read it.
  func json(region: String) -> JSONValue {
    var json: JSONValue = [
      "snapshot": .string(id), "region": .string(region), "new": .bool(isNew), "images": .strings(images),
    ]
    json["run"] = run.map(JSONValue.string)
    json["left_over"] = leftOver.map(JSONValue.string)
    return json
  }
}

extension SnapshotPlan {
  /// As programs read it.
  var json: JSONValue {
    let images = request.images.map { image -> JSONValue in
      var json: JSONValue = ["image": .string("\(image)")]
      json["digest"] = digests["\(image)"].map(JSONValue.string)
      return json
    }
    var json: JSONValue = [
      "region": .string(region), "machine_image": .string(machineImage),
      "instance_type": .string(request.instanceType), "size": .int(request.size),
      "encrypted": .bool(request.isEncrypted), "architectures": .strings(request.architectures.map(\.rawValue)),
      "images": .array(images), "problems": .strings(problems), "left_overs": .strings(leftOvers),
    ]
    json["existing"] = existing.map { .string($0.id) }
    return json
  }

  /// For people.
  var text: String {
    var lines: [(String, String)] = [
      ("region", region), ("machine image", "\(machineImage) (\(request.machineImage))"),
      ("instance", request.instanceType),
      ("volume", "\(request.size) GiB\(request.isEncrypted ? ", encrypted" : "")"),
      ("architectures", request.architectures.map(\.rawValue).joined(separator: ", ")),
    ]
    for image in request.images { lines.append(("image", "\(image)  \(digests["\(image)"] ?? "digest not known")")) }
    for problem in problems { lines.append(("", problem)) }
    lines.append(("same images in", existing.map(\.id) ?? "no snapshot"))
    if !leftOvers.isEmpty { lines.append(("to be removed", "runs \(leftOvers.joined(separator: ", "))")) }
    return Columns(lines).text
  }
}

extension SnapshotCatalog.Entry {
  /// As programs read it.
  var json: JSONValue {
    var json: JSONValue = [
      "snapshot": .string(id), "name": .string(name), "encrypted": .bool(isEncrypted), "images": .strings(images),
    ]
    json["size"] = size.map(JSONValue.int)
    json["started_at"] = startedAt.map { .string(Timestamp($0).description) }
    return json
  }

  /// In one line of a table.
  var row: [String] {
    [
      id, name, startedAt.map { Timestamp($0).description } ?? "-", size.map { "\($0) GiB" } ?? "-",
      images.map { $0.split(separator: "@").first.map(String.init) ?? $0 }.joined(separator: ", "),
    ]
  }

  /// The table that such rows go into.
  static var table: Table {
    Table(["SNAPSHOT", "NAME", "BEGUN", "SIZE", "IMAGES"], flexible: ["IMAGES", "NAME"])
  }
}

extension SnapshotCatalog.Run {
  /// As programs read it.
  var json: JSONValue {
    var json: JSONValue = ["run": .string(id), "standing": .string(standing)]
    json["step"] = step.map { .string($0.rawValue) }
    json["stack"] = stack.map(JSONValue.string)
    json["instance"] = instance.map(JSONValue.string)
    json["snapshot"] = snapshot.map(JSONValue.string)
    return json
  }
}
