import FoundationEssentials

/// Generated cases, one JSON object a line: those of the repository, or fresh ones from a folder that
/// `AWSKIT_VECTORS` names (`make integration` makes thousands with the generators in `botocore/`).
enum Vectors {
  static func load<T: Decodable>(_ name: String, as type: T.Type = T.self) throws -> [T] {
    let own = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path + "/Vectors"
    var folder = own
    if let named = ProcessInfo.processInfo.environment["AWSKIT_VECTORS"],
      FileManager.default.fileExists(atPath: "\(named)/\(name).jsonl")
    {
      folder = named
    }
    let data = try Data(contentsOf: URL(filePath: "\(folder)/\(name).jsonl"))
    let decoder = JSONDecoder()
    return try data.split(separator: UInt8(ascii: "\n")).map { try decoder.decode(T.self, from: Data($0)) }
  }
}
