import SDCore

/// Times, sizes and truths as people write them.
package enum Quantity {
  /// A time: units of `ms`, `s`, `m`, `h`, `d` after whole or decimal numbers, larger ones first; a number alone is seconds.
  package static func duration(_ text: String) -> Duration? {
    if let seconds = number(text) { return bounded(seconds * 1000) }
    let units: [(name: String, milliseconds: Double)] = [
      ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]
    var rest = text[...]
    var total = 0.0
    var next = 0
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      let unit = rest.dropFirst(digits.count).prefix { $0.isASCII && $0.isLetter }
      guard let value = number(String(digits)), let index = units.firstIndex(where: { $0.name == unit }), index >= next
      else { return nil }
      total += value * units[index].milliseconds
      next = index + 1
      rest = rest.dropFirst(digits.count + unit.count)
    }
    return text.isEmpty ? nil : bounded(total)
  }

  /// A size: `1024`, `64KiB`, `256MiB`, `1GB`.
  static func bytes(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let factors = [
      "": 1, "B": 1, "kB": 1000, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "KiB": 1 << 10, "MiB": 1 << 20,
      "GiB": 1 << 30, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30,
    ]
    guard let count = Int(digits), let factor = factors[String(text.dropFirst(digits.count))] else { return nil }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
    return overflow ? nil : bytes
  }

  /// The size of a picture: `512x512`, each side from 8 to 8192.
  static func size(_ text: String) -> PixelSize? {
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { side in
      side.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(side) : nil
    }
    guard sides.count == 2, let width = sides[0], let height = sides[1], (8...8192).contains(width),
      (8...8192).contains(height)
    else { return nil }
    return PixelSize(width: width, height: height)
  }

  /// A truth, in YAML's words and the environment's.
  static func boolean(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "yes", "on", "1": true
    case "false", "no", "off", "0": false
    default: nil
    }
  }

  private static func number(_ text: String) -> Double? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }) else {
      return nil
    }
    return Double(text)
  }

  private static func bounded(_ milliseconds: Double) -> Duration? {
    milliseconds <= 31_536_000_000 ? .milliseconds(Int64(milliseconds)) : nil
  }
}
