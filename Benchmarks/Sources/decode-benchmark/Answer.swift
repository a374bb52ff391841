import Foundation
import ImageKit

/// What txt2img answers: pictures as base64 in JSON.
enum Answer {
  /// An answer with square pictures of noise, which no compression makes smaller.
  static func bytes(pictures: Int, side: Int) throws -> [UInt8] {
    var noise = SystemRandomNumberGenerator()
    var answer = Array(#"{"images":["#.utf8)
    for number in 0..<pictures {
      var samples = [UInt8](repeating: 0, count: side * side * 3)
      samples.withUnsafeMutableBytes { samples in
        for offset in stride(from: 0, to: samples.count - 7, by: 8) {
          samples.storeBytes(of: noise.next(), toByteOffset: offset, as: UInt64.self)
        }
      }
      let picture = try PNGWriter(level: 1).write(width: side, height: side, .rgb(samples))
      answer += Array((number == 0 ? "\"" : ",\"").utf8)
      answer += Data(picture).base64EncodedData()
      answer += Array("\"".utf8)
    }
    return answer + Array(#"],"parameters":{},"info":""}"#.utf8)
  }
}
