package import ImageKit

/// The picture that the test-pattern engine answers with: a landscape drawn from the request alone, with the request
/// written on it.
///
/// The same values give the same pixels everywhere: only exact arithmetic is used. The seed decides the composition, the
/// prompt the time of day and the place, the steps how rugged it gets; an init image takes the seed's place as far as the
/// denoising strength leaves it.
package struct TestPattern: Sendable, Hashable {
  /// The prompt: written on the picture, and what chooses its colours: a word such as `night`, or its hash.
  package var prompt: String
  /// The negative prompt, written on the picture.
  package var negativePrompt: String
  /// The seed of this picture, not of its batch.
  package var seed: UInt64
  /// Width in pixels.
  package var width: Int
  /// Height in pixels.
  package var height: Int
  /// Sampling steps.
  package var steps: Int
  /// The sampler's name.
  package var sampler: String
  /// Guidance.
  package var cfgScale: Double
  /// The model's name.
  package var model: String
  /// The model's short hash.
  package var modelHash: String
  /// Which picture of its batch this is, from 0.
  package var index = 0
  /// More to write on it, a line each.
  package var labels: [String] = []
  /// The SHA-256 of the init image in hex, for image-to-image.
  package var initDigest: String?
  /// How much of an init image is given up, 0 to 1.
  package var denoisingStrength = 0.75

  /// A picture to draw.
  package init(
    prompt: String, negativePrompt: String = "", seed: UInt64, width: Int = 512, height: Int = 512, steps: Int = 20,
    sampler: String = "Euler a", cfgScale: Double = 7, model: String = "test-pattern", modelHash: String = "7e57000000"
  ) {
    (self.prompt, self.negativePrompt, self.seed) = (prompt, negativePrompt, seed)
    (self.width, self.height, self.steps) = (width, height, steps)
    (self.sampler, self.cfgScale) = (sampler, cfgScale)
    (self.model, self.modelHash) = (model, modelHash)
  }

  /// The picture as a PNG, with the infotext in its `parameters`.
  ///
  /// It holds one byte a pixel twice over.
  /// - Throws: `ImageError` for a side below 1 or above 8192.
  package func png() throws(ImageError) -> [UInt8] {
    let sides = 1...8192
    guard sides.contains(width), sides.contains(height) else {
      throw ImageError(.invalidArgument, "a test pattern of \(width)x\(height)")
    }
    let scheme = PatternScheme.choose(for: prompt, otherwise: initDigest ?? prompt + "\u{0}" + negativePrompt)
    var canvas = PatternCanvas(width: width, height: height)
    PatternLandscape(self, scheme).paint(on: &canvas)
    PatternCaption(self).write(on: &canvas)
    // NUL cannot be stored in a PNG's text.
    let text = infotext.filter { $0 != "\u{0}" }
    return try PNGWriter(texts: [PNGText("parameters", text)], level: 3)
      .write(width: width, height: height, .indexed(canvas.pixels, palette: scheme.palette))
  }

  /// The request in the web UIs' form: prompts, then the other values on the last line.
  package var infotext: String {
    var values = [
      ("Steps", "\(steps)"), ("Sampler", sampler), ("CFG scale", Self.plain(cfgScale)), ("Seed", "\(seed)"),
      ("Size", "\(width)x\(height)"), ("Model hash", modelHash), ("Model", model),
    ]
    if initDigest != nil { values.append(("Denoising strength", Self.plain(denoisingStrength))) }
    let last = values.filter { !$0.1.isEmpty }.map { "\($0): \(Self.quoted($1))" }.joined(separator: ", ")
    return prompt + (negativePrompt.isEmpty ? "" : "\nNegative prompt: " + negativePrompt) + "\n" + last
  }

  private static func plain(_ value: Double) -> String {
    Int(exactly: value).map { "\($0)" } ?? "\(value)"
  }

  /// A value as it may stand between commas: as a JSON string if it has a comma, a colon or a line end itself.
  private static func quoted(_ value: String) -> String {
    guard value.contains(where: { ",:".contains($0) || $0.isNewline }) else { return value }
    var result = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
