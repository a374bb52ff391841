import SDCore
import Synchronization

extension ObjectStoreConformance {
  static let writeCases: [Case] = [
    Case("an object comes out as it went in") { suite in
      try await suite.with { fixture in
        let bytes = patterned(10_000)
        let options = PutOptions(contentType: "image/png", metadata: ["seed": "42", "model-hash": "abc def"])
        let put = try await fixture.store.put("a/b.png", bytes, options: options)
        let object = try await fixture.rival.get("a/b.png")
        try expect(object.bytes == bytes, "the bytes changed")
        let head = try await fixture.rival.head("a/b.png")
        for (what, info) in [("put", put), ("get", object.info), ("head", head)] {
          try expectEqual(info.key, "a/b.png", "key from \(what)")
          try expectEqual(info.size, 10_000, "size from \(what)")
          try expectEqual(info.etag, put.etag, "etag from \(what)")
          if suite.traits.keepsMetadata, what != "put" {
            try expectEqual(info.contentType, "image/png", "content type from \(what)")
            try expectEqual(info.metadata, options.metadata, "metadata from \(what)")
          }
        }
        try expect(!put.etag.isEmpty, "an etag")
      }
    },
    Case("an empty object is an object") { suite in
      try await suite.with { fixture in
        try await fixture.store.put("empty", [])
        try expectEqual(try await fixture.store.get("empty").bytes, [], "bytes")
        try expectEqual(try await fixture.store.head("empty").size, 0, "size")
        let stream = try await fixture.store.stream("empty", range: nil)
        var count = 0
        while let chunk = try await stream.next() { count += chunk.count }
        try expectEqual(count, 0, "streamed bytes")
        try expectEqual(try await fixture.store.keys(), ["empty"], "keys")
      }
    },
    Case("an absent object is not found") { suite in
      try await suite.with { fixture in
        try await expectError(.notFound, from: "get") { try await fixture.store.get("nothing") }
        try await expectError(.notFound, from: "get of a range") {
          try await fixture.store.get("nothing", range: .from(0), limit: 10)
        }
        try await expectError(.notFound, from: "head") { try await fixture.store.head("nothing") }
        try await expectError(.notFound, from: "stream") { try await fixture.store.stream("nothing", range: nil) }
        try await fixture.store.delete(["nothing"])
        try await fixture.store.put("nothing/below", [1])
        try await expectError(.notFound, from: "get of what is only the start of a key") {
          try await fixture.store.get("nothing")
        }
        try await expectError(.notFound, from: "get of the same with a slash") {
          try await fixture.store.get("nothing/")
        }
      }
    },
    Case("a later put replaces bytes, type and metadata") { suite in
      try await suite.with { fixture in
        let first = try await fixture.store.put(
          "k", Array("a longer first version".utf8),
          options: PutOptions(contentType: "text/plain", metadata: ["a": "1", "b": "2"]))
        let second = try await fixture.rival.put(
          "k", Array("second".utf8), options: PutOptions(contentType: "image/png", metadata: ["c": "3"]))
        try expect(first.etag != second.etag, "each write has a tag of its own")
        let object = try await fixture.store.get("k")
        try expectEqual(String(decoding: object.bytes, as: UTF8.self), "second", "bytes")
        try expectEqual(object.info.etag, second.etag, "etag")
        if suite.traits.keepsMetadata {
          try expectEqual(object.info.contentType, "image/png", "content type")
          try expectEqual(object.info.metadata, ["c": "3"], "metadata")
        }
      }
    },
    Case("deleted objects are gone, others stay") { suite in
      try await suite.with { fixture in
        for key in ["a", "b", "b/c", "d"] { try await fixture.store.put(key, text: key) }
        try await fixture.store.delete(["a", "b", "not there"])
        try await expectError(.notFound, from: "get of a deleted object") { try await fixture.rival.get("a") }
        try expectEqual(try await fixture.rival.keys(), ["b/c", "d"], "keys")
        try expectEqual(try await fixture.rival.text("b/c"), "b/c", "bytes of the object below a deleted one")
        try await fixture.store.delete([])
        try await fixture.store.put("a", text: "again", .ifAbsent)
        try expectEqual(try await fixture.store.text("a"), "again", "bytes of the object put after a delete")
      }
    },
    Case("metadata with odd values comes back the same or is refused") { suite in
      try await suite.with { fixture in
        for (position, value) in ["", " spaced ", "é 🏮", "a\r\nx-amz-acl: public-read", "nul\u{0}", "\"quoted\""]
          .enumerated()
        {
          let key = "m\(position)"
          do {
            try await fixture.store.put(key, [1], options: PutOptions(metadata: ["note": value]))
          } catch let error as SDError {
            try expectEqual(error.code, .invalid, "why metadata was refused")
            try await expectError(.notFound, from: "get after a refused put") { try await fixture.store.get(key) }
            continue
          }
          guard suite.traits.keepsMetadata else { continue }
          try expectEqual(try await fixture.store.head(key).metadata, ["note": value], "metadata")
        }
        try await expectError(.invalid, from: "a content type with a line feed") {
          try await fixture.store.put("k", [1], options: PutOptions(contentType: "text/plain\r\nx: y"))
        }
      }
    },
    Case("a file is stored whole") { suite in
      try await suite.with { fixture in
        let bytes = patterned(300_000)
        try await withTemporaryFile(bytes) { path in
          _ = try await fixture.store.put("from/file", .file(path: path), options: .init(contentType: "image/png"))
        }
        try expect(try await fixture.store.get("from/file").bytes == bytes, "the bytes changed")
        do {
          _ = try await fixture.store.put("from/nowhere", .file(path: "/nonexistent/file"), options: .init())
          throw ConformanceFailure("a file that is not there was stored", #fileID, #line)
        } catch is SDError {}
        try await expectError(.notFound, from: "get after a failed put") { try await fixture.store.get("from/nowhere") }
      }
    },
    Case("a slice is stored as the slice that it is") { suite in
      try await suite.with { fixture in
        let bytes = patterned(1000)
        _ = try await fixture.store.put("slice", .bytes(bytes[100..<200]), options: .init())
        try expect(try await fixture.store.get("slice").bytes == Array(bytes[100..<200]), "the bytes changed")
      }
    },
    Case("an object too large for the reader is refused, not cut") { suite in
      try await suite.with { fixture in
        try await fixture.store.put("k", patterned(1001))
        try await expectError(.tooLarge, from: "get above the limit") {
          try await fixture.store.get("k", range: nil, limit: 1000)
        }
        try expectEqual(
          try await fixture.store.get("k", range: nil, limit: 1001).bytes.count, 1001, "bytes at the limit")
        let part = try await fixture.store.get("k", range: .bounded(0, 9), limit: 10)
        try expectEqual(part.bytes.count, 10, "bytes of a range within the limit")
      }
    },
    Case("a huge object streams in bounded chunks") { suite in
      try await suite.with { fixture in
        let block = patterned(1 << 20)
        let blocks = suite.traits.hugeBytes >> 20
        var bytes: [UInt8] = []
        bytes.reserveCapacity(blocks << 20)
        for number in 0..<blocks {
          bytes += block
          bytes[number << 20] = UInt8(truncatingIfNeeded: number)
        }
        try await fixture.store.put("huge", bytes)
        let stream = try await fixture.store.stream("huge", range: nil)
        try expectEqual(stream.info.size, Int64(bytes.count), "size")
        var (position, largest) = (0, 0)
        while let chunk = try await stream.next() {
          try expect(!chunk.isEmpty, "a chunk has bytes")
          largest = max(largest, chunk.count)
          try expect(
            position + chunk.count <= bytes.count && bytes[position..<position + chunk.count].elementsEqual(chunk),
            "the bytes from \(position) changed")
          position += chunk.count
        }
        try expectEqual(position, bytes.count, "streamed bytes")
        try expect(largest <= 8 << 20, "a chunk of \(largest) bytes is no chunk")
        try expect(try await stream.next() == nil, "the end stays the end")
      }
    },
    Case("a reader sees one write whole while others write") { suite in
      try await suite.with { fixture in
        let versions = (0..<6).map { number in [UInt8](repeating: UInt8(number), count: 40_000 + number * 1000) }
        try await fixture.store.put("k", versions[0])
        try await withThrowingTaskGroup(of: Void.self) { group in
          for writer in [fixture.store, fixture.rival] {
            group.addTask { for round in 0..<20 { try await writer.put("k", versions[round % versions.count]) } }
          }
          for reader in [fixture.store, fixture.rival] {
            group.addTask {
              for _ in 0..<40 {
                let object = try await reader.get("k")
                try expect(versions.contains(object.bytes), "a mixture of writes: \(object.bytes.count) bytes")
                try expectEqual(object.info.size, Int64(object.bytes.count), "size")
              }
            }
          }
          try await group.waitForAll()
        }
      }
    },
    Case("addresses name bucket and key") { suite in
      try await suite.with { fixture in
        let store = fixture.store
        try expectEqual(store.s3URI(of: "a/b.png"), "s3://\(store.bucket)/\(store.prefix)a/b.png", "S3 URI")
        try expect(store.prefix.isEmpty || store.prefix.hasSuffix("/"), "the prefix is empty or ends in a slash")
        try expect(!store.uri(of: "a/b.png").isEmpty, "an address")
        try expect(store.uri(of: "a") != store.uri(of: "A"), "keys have addresses of their own")
      }
    },
    Case("a presigned URL is a URL, and says nothing about the object") { suite in
      try await suite.with { fixture in
        for access in [PresignedAccess.get, .put] {
          let url = try await fixture.store.presign("a b/é?#%.png", access, expires: .seconds(60))
          try expect(
            url.contains(":") && !url.contains(" ") && url.utf8.allSatisfy { (0x21..<0x7F).contains($0) },
            "a URL: \(url)")
        }
      }
    },
  ]
}
