import SDCore

/// What an engine tells of a making: in `info`, or, where that is empty, in the pictures themselves.
struct WebUITold {
  /// `info`, parsed; `null` where there is none.
  var info: JSONValue = .null
  /// The seeds of the pictures that were asked for.
  var seeds: [UInt64]?
  /// Where these begin among all pictures.
  var firstImage = 0
  var model: String?
  var modelHash: String?
  var sampler: String?
  /// `web UI v1.10.1`, where it says so.
  var version: String?

  init(_ told: JSONValue?, firstImage bytes: ArraySlice<UInt8>) {
    switch told {
    case .string(let text): info = text.isEmpty ? .null : (try? JSONValue(parsing: text)) ?? .null
    case .object: info = told ?? .null
    default: break
    }
    if info.object != nil {
      // A seed that cannot be read keeps its place.
      seeds = info["all_seeds"]?.array.map { $0.map { $0.seed ?? 0 } }
      firstImage = info["index_of_first_image"]?.int ?? 0
      model = info["sd_model_name"]?.nonEmpty
      modelHash = info["sd_model_hash"]?.nonEmpty
      sampler = info["sampler_name"]?.nonEmpty
      version = info["version"]?.nonEmpty.map { "web UI \($0)" }
    } else if let infotext = Infotext(png: bytes) {
      model = infotext["Model"] ?? infotext["Unet"].map { ModelName($0).stem }
      modelHash = infotext["Model hash"]
      sampler = infotext["Sampler"]
      version = infotext["Version"]
    }
  }
}

extension JSONValue {
  fileprivate var nonEmpty: String? { string.flatMap { $0.isEmpty ? nil : $0 } }
}
