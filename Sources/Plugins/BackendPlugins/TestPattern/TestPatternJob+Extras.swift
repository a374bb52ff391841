import ImageKit
import SDCore

extension TestPatternJob {
  /// Pictures in place of the ones given, as large as the upscaling asks for.
  mutating func readExtras(
    _ request: InferenceRequest, _ model: String, images: [String], name: String
  ) throws(TaskError) {
    let content = request.content
    guard images.count <= Self.maximumPictures else {
      throw Self.rejected("\(name) has more than \(Self.maximumPictures)")
    }
    let upscaler = content["upscaler_1"]?.string ?? "None"
    let byFactor = try Self.whole("resize_mode", of: content, otherwise: 0, within: 0...1) == 0
    let factor = try Self.number("upscaling_resize", of: content, otherwise: 2)
    guard (0.01...16).contains(factor) else { throw Self.rejected("upscaling_resize is not within 0.01 to 16") }
    patterns = try images.enumerated().map { (index, text) throws(TaskError) in
      let (bytes, info) = try EmbeddedImage.decode(text, name: images.count == 1 ? name : "\(name)[\(index)]")
      let digest = Self.digest(bytes)
      var pattern = TestPattern(
        prompt: "upscaled", seed: UInt64(digest.prefix(8), radix: 16) ?? 0, steps: 1, sampler: upscaler,
        model: Self.stem(of: model), modelHash: "")
      (pattern.index, pattern.initDigest, pattern.denoisingStrength) = (index, digest, 0)
      pattern.labels = ["was \(info.width)x\(info.height)"]
      if byFactor {
        pattern.width = max(1, Int(Double(info.width) * factor))
        pattern.height = max(1, Int(Double(info.height) * factor))
      } else {
        pattern.width = try Self.whole("upscaling_resize_w", of: content, otherwise: 512, within: 1...8192)
        pattern.height = try Self.whole("upscaling_resize_h", of: content, otherwise: 512, within: 1...8192)
      }
      return pattern
    }
    tellsSeeds = false
    htmlInfo = patterns.first.map { "<p>Postprocess upscale by: test pattern, \($0.width)x\($0.height)</p>" }
  }
}
