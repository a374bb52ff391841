import HTTPTypes
import ImageCodecs
import ImageKit
import SDCore
import SDTestKit
import Testing

@testable import SDGateway

@Suite struct ThumbnailTests {
  private static func picture(_ width: Int, _ height: Int) throws -> [UInt8] {
    var samples: [UInt8] = []
    for pixel in 0..<(width * height) { samples += [UInt8(truncatingIfNeeded: pixel), 90, 200] }
    return try PNGWriter().write(width: width, height: height, .rgb(samples))
  }

  // Spans stay out of asynchronous code.
  private static func info(_ bytes: [UInt8]) throws -> ImageInfo { try ImageInfo.verify(bytes.span) }
  private static func small(_ bytes: [UInt8]) throws -> [UInt8] { try Thumbnail.make(of: bytes.span, longestSide: 16) }

  private func house(
    with bytes: [UInt8], contentType: String = "image/png", store: (any ObjectStore)? = nil
  ) async throws -> House {
    let house = try House(store: store)
    _ = await house.door().post("/v1/tasks", lighthouse.with(["id": "t1"]))
    try await house.succeed("t1", with: bytes)
    try await house.work("t1") { $0.outputs[0].contentType = contentType }
    return house
  }

  @Test("A thumbnail is a small WebP of the output, with a tag of its own")
  func small() async throws {
    let door = try await house(with: Self.picture(400, 200)).door()
    let answer = await door.get("/v1/tasks/t1/outputs/1?thumb=64")
    #expect(answer.status == .ok && answer.headers[.contentType] == "image/webp")
    #expect(answer.headers[.eTag] == "\"abc-64\"")
    #expect(answer.headers[.cacheControl] == "private, max-age=31536000, immutable")
    #expect(answer.headers[.xContentTypeOptions] == "nosniff")
    let info = try Self.info(try await answer.content)
    #expect(info.format == .webp && info.width == 64 && info.height == 32)
    let again = await door.get("/v1/tasks/t1/outputs/1?thumb=64", headers: [.ifNoneMatch: "\"abc-64\""])
    #expect(again.status == .notModified)
    // The output's own tag is not the thumbnail's.
    let other = await door.get("/v1/tasks/t1/outputs/1?thumb=64", headers: [.ifNoneMatch: "\"abc\""])
    #expect(other.status == .ok)
  }

  @Test("Sides out of bounds are a 400", arguments: ["0", "15", "1025", "-1", "a", "", "99999999999999999999"])
  func sides(text: String) async throws {
    let door = try await house(with: Self.picture(4, 4)).door()
    #expect(await door.get("/v1/tasks/t1/outputs/1?thumb=\(text)").status == .badRequest)
  }

  @Test("What is no picture that can be decoded is a 422 that says so")
  func impossible() async throws {
    let text = await (try await house(with: [1, 2, 3], contentType: "text/plain")).door()
      .get("/v1/tasks/t1/outputs/1?thumb=64")
    #expect(text.status == .unprocessableContent)
    #expect(try await text.json["detail"]?.string?.contains("text/plain") == true)
    let cut = Array(try Self.picture(40, 40).dropLast(20))
    let damaged = await (try await house(with: cut)).door().get("/v1/tasks/t1/outputs/1?thumb=64")
    #expect(damaged.status == .unprocessableContent)
  }

  @Test("A picture that claims more pixels than are taken is refused before it is inflated")
  func bomb() async throws {
    // A lossless WebP of 16,384 by 16,384 in thirty bytes.
    let bytes =
      Array("RIFF".utf8) + [22, 0, 0, 0] + Array("WEBPVP8L".utf8) + [10, 0, 0, 0, 0x2F, 0xFF, 0xFF, 0xFF, 0x0F]
    let door = try await house(with: bytes + [0, 0, 0, 0, 0], contentType: "image/webp").door()
    let answer = await door.get("/v1/tasks/t1/outputs/1?thumb=64")
    #expect(answer.status == .unprocessableContent)
    #expect(try await answer.json["detail"]?.string?.contains("16384x16384") == true)
  }

  @Test("An output whose object is gone is a 404")
  func gone() async throws {
    let house = try await house(with: Self.picture(4, 4))
    try await house.store.delete(["t1/t1-1.png"])
    #expect(await house.door().get("/v1/tasks/t1/outputs/1?thumb=64").status == .notFound)
  }

  @Test("It is read and made once, however many ask for it")
  func once() async throws {
    let store = TappedStore(try House().store)
    let door = try await house(with: Self.picture(300, 300), store: store).door()
    _ = await door.get("/v1/tasks/t1/outputs/1?thumb=64")
    #expect(store.reads.count(of: "t1/t1-1.png") == 1)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<50 {
        group.addTask { #expect(await door.get("/v1/tasks/t1/outputs/1?thumb=64").status == .ok) }
      }
    }
    #expect(store.reads.count(of: "t1/t1-1.png") == 1)
  }

  @Test("What is kept stays within its room, and the last used stay longest")
  func room() async throws {
    let store = TappedStore(try House().store)
    let one = try Self.small(Self.picture(100, 100))
    let thumbnails = Thumbnails(room: one.count * 4)
    /// Asks for these, and tells how often each was read so far.
    func ask(_ keys: String) async throws -> [Int] {
      for key in keys {
        _ = try await thumbnails.picture(.init(key: "\(key)", sha256: "", side: 16), from: store)
      }
      return "abcde".map { store.reads.count(of: "\($0)") }
    }
    for key in ["a", "b", "c", "d", "e"] { try await store.put(key, Self.picture(100, 100)) }
    #expect(try await ask("abcdae") == [1, 1, 1, 1, 1])
    // The fifth pushed the two oldest out; the first had been used since.
    #expect(try await ask("ade") == [1, 1, 1, 1, 1])
    #expect(try await ask("b") == [1, 2, 1, 1, 1])
  }
}

@Suite struct TurnTests {
  @Test("So many at once, the others in order, and the last too many is told")
  func turns() async throws {
    let turns = Turns(1, mostWaiting: 1)
    try await turns.take()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await turns.take() }
      try await eventually("a second") { turns.waiting == 1 }
      let error = await #expect(throws: SDError.self) { try await turns.take() }
      #expect(error?.code == .unavailable)
      turns.give()
      try await group.waitForAll()
    }
    turns.give()
    try await turns.take()
  }

  @Test("Who is cancelled while he waits takes no turn")
  func cancelled() async throws {
    let turns = Turns(1, mostWaiting: 9)
    try await turns.take()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await #expect(throws: CancellationError.self) { try await turns.take() } }
      try? await eventually("a second") { turns.waiting == 1 }
      group.cancelAll()
    }
    #expect(turns.waiting == 0)
    turns.give()
    try await turns.take()
  }
}
