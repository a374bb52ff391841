import ImageCodecs
import ImageKit
import OutputPlugins
import SDCore
import Testing

@Suite("Pictures as a task wants them")
struct PictureFinisherTests {
  /// A picture with the texts of an engine.
  private static func png(width: Int = 40, height: Int = 30) throws -> [UInt8] {
    var samples: [UInt8] = []
    for y in 0..<height { for x in 0..<width { samples += [200, UInt8(x % 256), UInt8(y % 256)] } }
    let plain = try PNGWriter().write(width: width, height: height, .rgb(samples))
    return try PNGText.insert([PNGText("parameters", "a secret lighthouse")], into: plain.span)
  }

  private func finish(_ files: [[UInt8]], _ options: OutputOptions) async throws -> [InferenceOutput] {
    let outputs = files.map { bytes in
      InferenceOutput(bytes: bytes[...], role: .image, contentType: "image/png", fileExtension: ".png", seed: 7)
    }
    return try await PictureFinisher().finish(InferenceResult(outputs: outputs), options).outputs
  }

  private func pixels(_ bytes: ArraySlice<UInt8>) throws -> Bitmap { try Bitmap(decoding: Array(bytes).span) }
  private func contains(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
    bytes.firstRange(of: Array(text.utf8)) != nil
  }

  @Test("are converted, and keep their number, their size and their seed")
  func formats() async throws {
    let png = try Self.png()
    let wishes: [(OutputOptions, String, String)] = [
      (.init(format: .webp), "image/webp", ".webp"), (.init(format: .webp, quality: 30), "image/webp", ".webp"),
      (.init(format: .webp, lossless: true), "image/webp", ".webp"), (.init(format: .jpeg), "image/jpeg", ".jpg"),
    ]
    var sizes: [Int] = []
    for (options, type, ending) in wishes {
      let outputs = try await finish([png, png], options)
      #expect(outputs.count == 2)
      for output in outputs {
        #expect(output.contentType == type && output.fileExtension == ending && output.seed == 7)
        let picture = try pixels(output.bytes)
        #expect(picture.width == 40 && picture.height == 30)
        #expect(!contains(output.bytes, "lighthouse"))
      }
      sizes.append(outputs[0].bytes.count)
    }
    #expect(sizes[1] < sizes[0])
    let lossless = try await finish([png], .init(format: .webp, lossless: true))[0]
    #expect(try pixels(lossless.bytes) == pixels(png[...]))
    let back = try await finish([Array(lossless.bytes)], .init(format: .png))[0]
    #expect(back.contentType == "image/png")
    #expect(try pixels(back.bytes) == pixels(png[...]))
  }

  @Test("that have the wanted format already stay byte for byte")
  func unchanged() async throws {
    let png = try Self.png()
    #expect(try await finish([png], .init(format: .png))[0].bytes == png[...])
    #expect(try await finish([png], .init(metadata: .keep, thumbnail: 16))[0].bytes == png[...])
  }

  @Test("are rid of what engines wrote into them, pixels untouched")
  func metadata() async throws {
    let png = try Self.png()
    for options in [OutputOptions(metadata: .strip), .init(format: .png, metadata: .strip)] {
      let output = try await finish([png], options)[0]
      #expect(!contains(output.bytes, "lighthouse") && contains(png[...], "lighthouse"))
      #expect(try pixels(output.bytes) == pixels(png[...]))
    }
  }

  @Test("get small ones beside them, never larger than they are")
  func thumbnails() async throws {
    let png = try Self.png(width: 400, height: 100)
    let small = try #require(try await finish([png], .init(format: .jpeg, thumbnail: 64))[0].thumbnail)
    #expect(small.contentType == "image/webp" && small.fileExtension == ".webp")
    #expect(small.width == 64 && small.height == 16)
    let picture = try pixels(small.bytes[...])
    #expect(picture.width == 64 && picture.height == 16)
    #expect(try await finish([png], .init(thumbnail: 1024))[0].thumbnail?.width == 400)
  }

  @Test("of other media stay as they are")
  func others() async throws {
    let video = Array("\u{0}\u{0}\u{0}\u{18}ftypmp42\u{0}\u{0}\u{0}\u{0}mp42isom".utf8)
    let everything = OutputOptions(format: .webp, metadata: .strip, thumbnail: 64)
    for bytes in [video, Array("a text".utf8), [0, 1, 2]] {
      let output = try await finish([bytes], everything)[0]
      #expect(output.bytes == bytes[...] && output.thumbnail == nil && output.contentType == "image/png")
    }
  }

  @Test("that are too large or broken fail their task with the number of the picture")
  func failures() async throws {
    func failure(_ bytes: [UInt8], _ options: OutputOptions) async -> TaskError? {
      do {
        _ = try await finish([try Self.png(), bytes], options)
        return nil
      } catch { return error as? TaskError }
    }
    let cut = Array(try Self.png().dropLast(40))
    let broken = await failure(cut, .init(format: .webp))
    #expect(broken?.code == .outputInvalid && broken?.message.contains("picture 2") == true)
    // 20,000 by 20 pixels are more than a WebP can have; a JPEG can.
    let wide = try Self.png(width: 20_000, height: 20)
    let refused = await failure(wide, .init(format: .webp))
    #expect(refused?.code == .outputInvalid && refused?.retryable == false)
    #expect(await failure(wide, .init(format: .jpeg)) == nil)
  }
}
