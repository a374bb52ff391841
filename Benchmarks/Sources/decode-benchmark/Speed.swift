import BackendPlugins
import BenchmarkKit
import Foundation

/// From an answer's bytes to the images' bytes, ours and Foundation's by turns.
enum Speed {
  private struct Decoded: Decodable {
    var images: [String]
    var info: String
  }

  /// Seconds that each takes, the median of all turns.
  static func measure(_ answer: [UInt8], seconds: Double) throws -> (ours: Double, theirs: Double) {
    var ours: [Double] = []
    var theirs: [Double] = []
    let end = ContinuousClock.now.advanced(by: .seconds(seconds))
    repeat {
      // It is decoded where it lies: each turn has a copy of its own, made before the clock runs.
      var own = answer
      own[0] = UInt8(ascii: "{")
      let data = Data(answer)
      ours.append(try time { try ImageAnswer.decode(&own).images.reduce(0) { $0 + $1.count } })
      theirs.append(
        try time {
          try JSONDecoder().decode(Decoded.self, from: data).images.reduce(0) {
            $0 + (Data(base64Encoded: $1)?.count ?? 0)
          }
        })
    } while ContinuousClock.now < end || ours.count < 3
    return (ours.median, theirs.median)
  }

  private static func time(_ body: () throws -> Int) throws -> Double {
    let began = ContinuousClock.now
    guard try body() > 1 << 20 else { throw Child.Failure("an answer was decoded to next to nothing") }
    return began.duration(to: .now) / .seconds(1)
  }
}
