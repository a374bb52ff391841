import SDCore
import Synchronization

extension InferenceBackendConformance {
  static let makingCases: [Case] = [
    Case("an engine that is there is ready, and tells what it is") { suite in
      try await suite.with { fixture in
        let backend = fixture.backend
        guard case .ready(let busy) = await backend.status() else {
          throw ConformanceFailure("an engine that is there is not ready", #fileID, #line)
        }
        try expect(busy != true, "an idle engine is busy")
        let told = try await backend.describe()
        try expect(!backend.kind.isEmpty && !told.name.isEmpty, "kind or name is empty")
        try expect(told.types.contains(fixture.request(Order()).type), "it does not tell a type that it does")
        try expect(await backend.recycleMemory(above: .max) == nil, "it recycled memory below the limit")
        if let loaded = told.loadedModel { try await backend.verify(model: loaded) }
        do { try await backend.verify(model: "certainly-no-such-model.safetensors") } catch let error as TaskError {
          try expectEqual(error.code, .modelNotFound, "code of another model's refusal")
        }
      }
    },
    Case("a request comes back as a picture, and the engine is said to be free once, before the end") { suite in
      try await suite.with { fixture in
        let answers = Mutex(0)
        let answer = try await fixture.backend.run(try await fixture.prepare(Order(5))) {
          answers.withLock { $0 += 1 }
        }
        try expectEqual(answers.withLock { $0 }, 1, "calls of onAnswer when run returns")
        try expect(answer.byteCount > 0, "an answer of no bytes")
        let outputs = try await answer.finish().outputs
        try expectEqual(outputs.count, 1, "pictures")
        let picture = try unwrap(outputs.first, "the picture")
        try expectEqual(picture.contentType, "image/png", "media type")
        try expectEqual(picture.fileExtension, ".png", "file extension")
        try expectEqual(picture.role, .image, "role")
        try expect(picture.bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]), "the bytes are no PNG")
        try expectEqual(answers.withLock { $0 }, 1, "calls of onAnswer in the end")
      }
    },
    Case("as many pictures come as were asked for", where: { $0.traits.mostPictures > 1 }) { suite in
      try await suite.with { fixture in
        for count in [2, suite.traits.mostPictures] {
          var order = Order(5)
          (order.pictures, order.id) = (count, "batch-\(count)")
          let pictures = try await fixture.pictures(order)
          try expectEqual(pictures.count, count, "pictures")
          try expectEqual(Set(pictures).count, count, "different ones of them")
        }
      }
    },
    Case("requests one after the other get what each asked for") { suite in
      try await suite.with { fixture in
        var pictures: [[[UInt8]]] = []
        for (number, seed) in [1, 2, 1].enumerated() {
          var order = Order(UInt64(seed))
          order.id = "task-\(number)"
          pictures.append(try await fixture.pictures(order))
        }
        try expectEqual(pictures.map(\.count), [1, 1, 1], "pictures of each")
        guard suite.traits.isReproducible else { return }
        try expect(pictures[0] == pictures[2], "the same seed made other pictures")
        try expect(pictures[0] != pictures[1], "another seed made the same pictures")
      }
    },
    Case("a prepared request has its seed in it: sent again it makes the same", where: { $0.traits.isReproducible }) {
      suite in
      try await suite.with { fixture in
        var first = Order()
        first.anySeed = 41
        let prepared = try await fixture.prepare(first)
        let made = try await fixture.backend.run(prepared, onAnswer: {}).finish().outputs.map { Array($0.bytes) }
        var again = prepared.request
        (again.attempt, again.seed) = (2, 42)
        let repeated = try await fixture.backend.run(try await fixture.backend.prepare(again), onAnswer: {}).finish()
        try expect(repeated.outputs.map { Array($0.bytes) } == made, "what was prepared makes other pictures")
        first.attempt = 3
        try expect(try await fixture.pictures(first) == made, "another attempt of the run makes other pictures")
        (first.attempt, first.anySeed) = (4, 42)
        try expect(try await fixture.pictures(first) != made, "another seed makes the same pictures")
      }
    },
    Case("prompts of any characters and any length reach the engine as they are") { suite in
      try await suite.with { fixture in
        let prompts = [
          "\"quoted\" \\ {\"json\": 1}\r\n\tnext line",
          "日本語の灯台 🏮 e\u{301} \u{202E}right to left\u{202C} \u{1F468}\u{200D}\u{1F469}",
          "\u{1}\u{1F}\u{7F}\u{FFFD}\u{FFFE}\u{10FFFF}", "(a:1.2), [b|c], <lora:x:1> --not-an-option %s %00 ${HOME}",
          String(repeating: "a very long prompt ", count: 5_000),
        ]
        for (number, prompt) in prompts.enumerated() {
          var order = Order(UInt64(300 + number))
          (order.prompt, order.id) = (prompt, "prompt-\(number)")
          let made = try await fixture.make(order)
          try expectEqual(made.outputs.count, 1, "pictures of prompt \(number)")
          try expectEqual(try fixture.prompt(made).map { Array($0.utf8) }, Array(prompt.utf8), "prompt \(number)")
        }
      }
    },
    Case("the next request runs while an answer is not yet taken apart") { suite in
      try await suite.with { fixture in
        var orders = [Order(1), Order(2)]
        (orders[0].id, orders[1].id) = ("first", "second")
        let first = try await fixture.backend.run(try await fixture.prepare(orders[0]), onAnswer: {})
        let second = try await fixture.pictures(orders[1])
        let late = try await first.finish().outputs.map { Array($0.bytes) }
        try expectEqual([late.count, second.count], [1, 1], "pictures")
        guard suite.traits.isReproducible else { return }
        orders[0].attempt = 2
        try expect(try await fixture.pictures(orders[0]) == late && late != second, "answers were mingled")
      }
    },
    Case("pictures are told apart from an answer that lacks one", where: can(.skimps)) { suite in
      try await suite.with { fixture in
        try await fixture.tell(.skimps)
        var order = Order(5)
        order.pictures = 3
        let error = try await fixture.failure(of: fixture.request(order), "two pictures of three")
        try expectEqual(error.code, .outputInvalid, "code")
        try await fixture.expectWell("after an answer that lacked a picture")
      }
    },
  ]
}
