import Foundation

/// What libFuzzer's `main` calls first: takes the target's name, the first argument, out of the arguments.
///
///     fuzz xml [CORPUS...] [-max_total_time=SECONDS] [OPTION...]
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafePointer<CChar>?>>
) -> CInt {
  let name = count.pointee > 1 ? arguments.pointee[1].map { String(cString: $0) } ?? "" : ""
  guard let target = Target.all[name] else {
    let names = Target.all.keys.sorted().joined(separator: " ")
    FileHandle.standardError.write(Data("usage: fuzz TARGET [CORPUS...] [-OPTION=VALUE...]\ntargets: \(names)\n".utf8))
    exit(64)
  }
  Target.chosen = target
  for index in 1..<Int(count.pointee) { arguments.pointee[index] = arguments.pointee[index + 1] }
  count.pointee -= 1
  return 0
}

/// What libFuzzer calls with each input. Whatever the bytes are, it must come back: a trap, a failed precondition, a
/// leak, a timeout are findings.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  Target.chosen(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

/// The parsers of foreign bytes, by name.
enum Target {
  typealias Body = (_ input: [UInt8]) -> Void

  /// Set once, before the first input.
  nonisolated(unsafe) static var chosen: Body = { _ in }

  /// Never changed; the functions in it keep nothing.
  nonisolated(unsafe) static let all: [String: Body] = [
    "xml": xml, "json": json, "answers": answers, "config": config, "dates": dates, "http": http,
    "websocket": webSocket, "events": events, "images": images, "engines": engines,
  ]
}
