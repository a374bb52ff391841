/// A number of bytes for people: `512 bytes`, `6.8 MiB`, `4.2 GiB`.
struct ByteCount: CustomStringConvertible {
  let bytes: Int64

  init(_ bytes: Int64) { self.bytes = bytes }

  var description: String {
    let units = ["KiB", "MiB", "GiB", "TiB"]
    guard bytes >= 1024 else { return bytes == 1 ? "1 byte" : "\(bytes) bytes" }
    var (value, unit) = (Double(bytes) / 1024, 0)
    while value >= 1023.95, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
