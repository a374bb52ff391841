import ImageKit
import Testing

@testable import BackendPlugins

@Suite("Test patterns")
struct TestPatternTests {
  static let sizes = [
    (1, 1), (1, 300), (300, 1), (7, 5), (16, 16), (64, 64), (65, 67), (200, 40), (513, 255), (512, 512),
  ]

  @Test("Every size gives a whole picture of that size", arguments: sizes.indices)
  func everySize(index: Int) throws {
    let (width, height) = Self.sizes[index]
    for (steps, seed) in [(0, 1 << 63), (1, UInt64.max), (20, 0), (150, 307), (.max, 1 << 62)] {
      let png = try TestPattern(prompt: "a cat", seed: seed, width: width, height: height, steps: steps).png()
      let info = try ImageInfo.verify(png.span)
      #expect(info.width == width && info.height == height && info.format == .png)
    }
  }

  @Test("No size makes the painter leave its canvas", arguments: UInt64(1)...12)
  func everySmallSize(seed: UInt64) throws {
    for (width, height) in zip(1...60, (1...60).map { $0 * Int(seed) % 61 }) where height > 0 {
      let prompt = ["night", "sunset", "desert"][Int(seed) % 3]
      let png = try TestPattern(prompt: prompt, seed: seed, width: width, height: height, steps: width).png()
      try ImageInfo.verify(png.span)
    }
  }

  @Test("A size that cannot be is refused", arguments: [(0, 64), (64, 0), (-1, 64), (8193, 1), (Int.max, Int.max)])
  func refused(width: Int, height: Int) throws {
    let pattern = TestPattern(prompt: "a cat", seed: 1, width: width, height: height)
    let error = try #require(throws: ImageError.self) { try pattern.png() }
    #expect(error.code == .invalidArgument)
  }

  @Test("The same values give the same bytes, another seed another landscape, another prompt another caption")
  func deterministic() throws {
    let pattern = TestPattern(prompt: "night, a cat", seed: 7)
    #expect(try pattern.png() == pattern.png())
    var other = pattern
    other.seed = 8
    #expect(landscape(pattern) != landscape(other))
    other = pattern
    other.prompt = "night, a dog"
    #expect(landscape(pattern) == landscape(other))
    #expect(caption(pattern) != caption(other))
  }

  @Test("The pixels are the same on every machine")
  func everywhere() {
    let pixels = landscape(TestPattern(prompt: "sunset", seed: 307, width: 200, height: 150))
    let hash = pixels.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    #expect(hash == 7_051_741_567_063_165_153)
  }

  @Test("An init image decides the landscape, as far as the denoising strength lets it")
  func initImage() {
    var (one, two) = (TestPattern(prompt: "night", seed: 1), TestPattern(prompt: "night", seed: 2))
    (one.initDigest, two.initDigest) = ("1a2b3c4d5e6f", "1a2b3c4d5e6f")
    (one.denoisingStrength, two.denoisingStrength) = (0, 0)
    #expect(landscape(one) == landscape(two))
    (one.denoisingStrength, two.denoisingStrength) = (0.5, 0.5)
    #expect(landscape(one) != landscape(two))
    two = one
    two.initDigest = "00ff"
    #expect(landscape(one) != landscape(two))
    #expect(caption(one) != caption(two))
  }

  @Test("The text on it shows every value that it is told")
  func captions() {
    let pattern = TestPattern(prompt: "night", seed: 1)
    for change: (inout TestPattern) -> Void in [
      { $0.seed = 2 }, { $0.steps = 21 }, { $0.sampler = "DDIM" }, { $0.labels = ["task 307"] }, { $0.index = 1 },
      { $0.negativePrompt = "dog" }, { $0.initDigest = "1a2b3c4d" },
    ] {
      var other = pattern
      change(&other)
      #expect(caption(pattern) != caption(other))
    }
  }

  @Test(
    "A caption of any length stays within its part of the picture", arguments: ["word ", "x", "猫🐈 ", "\n", "é\u{301}"])
  func longPrompt(piece: String) throws {
    for length in [0, 1, 50, 5000] {
      let prompt = String(repeating: piece, count: length)
      let pattern = TestPattern(prompt: prompt, negativePrompt: prompt, seed: 1, width: 256, height: 256)
      let png = try pattern.png()
      try ImageInfo.verify(png.span)
      let text = Set([PatternCanvas.Index.text, PatternCanvas.Index.accent])
      #expect(!caption(pattern)[(256 * 40)..<(256 * 130)].contains { text.contains($0) })
    }
  }

  @Test("The infotext is the web UIs'")
  func infotext() throws {
    var pattern = TestPattern(
      prompt: "a cat, (sitting:1.2)\non a mat", negativePrompt: "dog", seed: 1, width: 64, height: 96,
      modelHash: "0123456789")
    let expected = """
      a cat, (sitting:1.2)
      on a mat
      Negative prompt: dog
      Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x96, Model hash: 0123456789, Model: test-pattern
      """
    #expect(pattern.infotext == expected)
    let png = try pattern.png()
    let texts = try PNGText.read(from: png.span)
    #expect(texts == [PNGText("parameters", expected)])
    #expect(texts.first?.storage == .latin1)

    pattern.negativePrompt = ""
    pattern.cfgScale = 7.5
    pattern.model = "a, \"b\": c"
    pattern.modelHash = ""
    pattern.initDigest = "1a2b3c4d"
    #expect(
      pattern.infotext.split(separator: "\n").dropFirst(2) == [
        #"Steps: 20, Sampler: Euler a, CFG scale: 7.5, Seed: 1, Size: 64x96, Model: "a, \"b\": c", Denoising strength: 0.75"#
      ])
  }

  @Test("A prompt beyond Latin-1 is kept, one with a NUL is kept without it")
  func otherPrompts() throws {
    let png = try TestPattern(prompt: "猫\u{0} and dog", seed: 1, width: 64, height: 64).png()
    let text = try #require(try PNGText.read(from: png.span).first)
    #expect(text.storage == .international())
    #expect(text.text.hasPrefix("猫 and dog\nSteps: 20"))
  }

  @Test("Each scheme's colours fit one palette, and a word of its own chooses it")
  func schemes() {
    for scheme in PatternScheme.all {
      #expect(scheme.palette.count == Int(PatternCanvas.Index.star) + 1)
      for word in scheme.words {
        #expect(PatternScheme.choose(for: "a \(word.uppercased()), please", otherwise: "").words == scheme.words)
      }
    }
  }

  private func landscape(_ pattern: TestPattern) -> [UInt8] {
    var canvas = PatternCanvas(width: pattern.width, height: pattern.height)
    let scheme = PatternScheme.choose(for: pattern.prompt, otherwise: "")
    PatternLandscape(pattern, scheme).paint(on: &canvas)
    return canvas.pixels
  }

  private func caption(_ pattern: TestPattern) -> [UInt8] {
    var canvas = PatternCanvas(width: pattern.width, height: pattern.height)
    PatternCaption(pattern).write(on: &canvas)
    return canvas.pixels
  }
}
