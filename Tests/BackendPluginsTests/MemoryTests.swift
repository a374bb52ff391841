import HTTPTransport
import ImageKit
import OutputPlugins
import SDCore
import SDTestKit
import Testing

@testable import BackendPlugins

/// Bodies and pictures that are there to fill memory; each in a process of its own, whose peak is its own.
@Suite("Memory", .timeLimit(.minutes(5)))
struct MemoryTests {
  @Test("An input of 2 GB is given up at its limit, told or untold")
  func inputs() async {
    await #expect(processExitsWith: .success) {
      let server = try ScriptedHTTPServer { request in request.path == "/told" ? .fill(count: 2 << 30) : .untold() }
      let rise = try await PeakMemory.rise {
        try await withTransport { (transport) async throws in
          var configuration = HTTPInputSource.Configuration()
          configuration.policy = OpenPolicy(usesEnvironmentProxies: false)
          let source = HTTPInputSource(transport: transport, configuration: configuration)
          for path in ["/told", "/untold"] {
            do {
              _ = try await source.fetch(server.url + path)
              preconditionFailure("2 GB were taken")
            } catch let error as TaskError {
              precondition(error.code == .inputInvalid && error.message.contains("larger than"), "\(error)")
            }
          }
        }
      }
      // The limit is 32 MiB; an array that grows may hold twice that for a moment.
      precondition(rise < 112 << 20, "rose by \(rise >> 20) MiB")
      precondition(server.sentBytes < 256 << 20, "took \(server.sentBytes >> 20) MiB")
    }
  }

  @Test("An answer of 2 GB that does not say so is given up at its limit", arguments: ["webui", "openai"])
  func untoldAnswers(kind: String) async {
    await #expect(processExitsWith: .success) { [kind] in
      // What it begins with is an answer's beginning.
      let server = try ScriptedHTTPServer { $0.method == "POST" ? .untold(#"{"images":["AAAA"#) : .json("[]") }
      let rise = try await PeakMemory.rise {
        try await withTransport { (transport) async throws in
          let backend: any InferenceBackend =
            kind == "webui"
            ? WebUIBackend(base: server.url, transport: transport)
            : OpenAIBackend(base: server.url, transport: transport)
          let error = await backend.failure(of: .make(["prompt": "x"]))
          precondition(error?.code == .outputInvalid && error?.retryable == false, "\(String(describing: error))")
          precondition(error?.message.contains("larger than") == true, "\(String(describing: error))")
        }
      }
      // The limit is 512 MiB: as much as the largest batches have.
      precondition(rise < 640 << 20, "rose by \(rise >> 20) MiB")
      precondition(server.sentBytes < 640 << 20, "took \(server.sentBytes >> 20) MiB")
    }
  }

  @Test("What changing pictures takes is no more than it is said to take, and not much less", arguments: [true, false])
  func conversion(isLossless: Bool) async {
    await #expect(processExitsWith: .success) { [isLossless] in
      // Noise is the worst for every encoder. What takes most comes last: memory that was had before does not rise again.
      var samples = [UInt8](repeating: 0, count: 2048 * 2048 * 3)
      var state: UInt64 = 7
      for index in samples.indices {
        state = state &* 6_364_136_223_846_793_005 &+ 1
        samples[index] = UInt8(truncatingIfNeeded: state >> 33)
      }
      let png = try PNGWriter(level: 1).write(width: 2048, height: 2048, .rgb(samples))
      samples = []
      let finisher = PictureFinisher()
      let picture = InferenceOutput(bytes: png[...], role: .image, contentType: "image/png", fileExtension: ".png")
      let result = InferenceResult(outputs: [picture, picture])
      let wishes: [OutputOptions] =
        isLossless
        ? [.init(thumbnail: 512), .init(format: .webp, lossless: true)]
        : [.init(format: .jpeg, quality: 100), .init(format: .webp, quality: 100), .init(metadata: .strip)]
      for wish in wishes {
        let told = finisher.memory(for: result, wish)
        let rise = try await PeakMemory.rise { _ = try await finisher.finish(result, wish) }
        // Some megabytes are the allocator's own.
        precondition(rise <= told + (8 << 20), "\(wish): rose by \(rise >> 20) MiB, \(told >> 20) MiB were told")
        precondition(told <= rise * 4 + (32 << 20), "\(wish): rose by \(rise >> 20) MiB only, not \(told >> 20) MiB")
      }
      precondition(finisher.memory(for: result, .init(format: .png)) == 0, "nothing is to be changed")
    }
  }

  @Test("An answer of 2 GB is not begun")
  func answers() async {
    await #expect(processExitsWith: .success) {
      let server = try ScriptedHTTPServer { request in
        request.method == "POST" ? .fill(count: 2 << 30) : .json("[]")
      }
      let rise = try await PeakMemory.rise {
        try await withTransport { (transport) async throws in
          for backend in [
            WebUIBackend(base: server.url, transport: transport), OpenAIBackend(base: server.url, transport: transport),
          ] as [any InferenceBackend] {
            let error = await backend.failure(of: .make(["prompt": "x"]))
            precondition(error?.code == .outputInvalid && error?.retryable == false, "\(String(describing: error))")
          }
        }
      }
      precondition(rise < 64 << 20, "rose by \(rise >> 20) MiB")
    }
  }

  @Test("A picture that is small to send and huge to decode is refused by its header")
  func bombs() async {
    await #expect(processExitsWith: .success) {
      // 16384x16384 in some hundred bytes: the size is believed, and is too much.
      func header(_ width: UInt32, _ height: UInt32) -> [UInt8] {
        var png = FakeImage.png(width: 1, height: 1, gray: 1)
        for (index, byte) in [width, height].flatMap({ n in [24, 16, 8, 0].map { UInt8(n >> $0 & 0xFF) } }).enumerated()
        {
          png[16 + index] = byte
        }
        return png
      }
      let rise = try await PeakMemory.rise {
        try await withTransport { (transport) async throws in
          let source = HTTPInputSource(transport: transport)
          for bytes in [header(16384, 16384), header(.max, .max), header(65535, 8), header(0, 0)] {
            do {
              _ = try await source.fetch("data:image/png;base64,\(Base64.encode(bytes))")
              preconditionFailure("a bomb was taken")
            } catch let error as TaskError {
              precondition(error.code == .inputInvalid, "\(error)")
            }
          }
        }
      }
      precondition(rise < 32 << 20, "rose by \(rise >> 20) MiB")
    }
  }

  @Test("An answer of eight large pictures is decoded in less than half of its own size more")
  func decoding() async {
    await #expect(processExitsWith: .success) {
      // 24 MB of base64 in all; noise, so that nothing of it is small.
      var samples = [UInt8](repeating: 0, count: 870 * 870 * 3)
      var state: UInt64 = 7
      for index in samples.indices {
        state = state &* 6_364_136_223_846_793_005 &+ 1
        samples[index] = UInt8(truncatingIfNeeded: state >> 33)
      }
      let image = Base64.encode(try PNGWriter(level: 1).write(width: 870, height: 870, .rgb(samples)))
      samples = []
      let body = Array(
        "{\"images\":[\((0..<8).map { _ in "\"\(image)\"" }.joined(separator: ","))],\"info\":\"\"}".utf8)
      precondition(body.count > 24_000_000)
      let server = try ScriptedHTTPServer { request in request.method == "POST" ? .respond(body: body) : .json("[]") }
      let rise = try await PeakMemory.rise {
        try await withTransport { (transport) async throws in
          let backend = WebUIBackend(base: server.url, transport: transport)
          let result = try await backend.make(.make(["prompt": "x", "batch_size": 8]))
          precondition(result.outputs.count == 8 && result.outputs.allSatisfy { $0.width == 870 })
        }
      }
      // The server, which lives here too, holds the answer once more while it sends it.
      let own = rise - body.count
      precondition(own < body.count * 3 / 2, "rose by \(own >> 20) MiB for an answer of \(body.count >> 20) MiB")
    }
  }
}

extension ScriptedAnswer {
  /// A body of 2 GB in chunks, whose length nobody is told.
  fileprivate static func untold(_ beginning: String = "") -> ScriptedAnswer {
    let first = beginning + String(repeating: "A", count: (1 << 16) - beginning.utf8.count)
    let rest = Array("10000\r\n\(String(repeating: "A", count: 1 << 16))\r\n".utf8)
    return .raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n\(first)\r\n").then(
      .converse { peer in for _ in 1..<(2 << 14) { guard peer.send(rest) else { return } } })
  }
}
