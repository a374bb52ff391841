import SDCore

extension InferenceBackendConformance {
  /// Which failures pass and which do not.
  static let failureCases: [Case] = [
    Case("what can never be done is refused for good, and the engine is there for the next") { suite in
      try await suite.with { fixture in
        for (number, request) in fixture.impossible.enumerated() {
          let error = try await fixture.failure(of: request, "impossible request \(number)")
          try expect(!error.retryable, "impossible request \(number) would be tried again: \(error)")
          try expect(!error.message.isEmpty, "impossible request \(number) is refused without a word")
        }
        try await fixture.expectWell("after impossible requests")
      }
    },
    Case("no pictures at all can never be made", where: { $0.traits.mostPictures > 1 }) { suite in
      try await suite.with { fixture in
        for count in [0, -1] {
          var order = Order(60)
          order.pictures = count
          let error = try await fixture.failure(of: fixture.request(order), "\(count) pictures")
          try expect(!error.retryable, "\(count) pictures would be tried again: \(error)")
        }
        try await fixture.expectWell("after a request for no pictures")
      }
    },
    Case("an engine's refusal is for good", where: can(.refuses)) { suite in
      try await suite.with { fixture in
        try await fixture.tell(.refuses)
        let error = try await fixture.failure(of: fixture.request(Order(61)), "a refused request")
        try expect(!error.retryable, "a refused request would be tried again: \(error)")
        try await fixture.expectWell("after a refusal")
      }
    },
    Case("an engine's failure may pass", where: can(.fails)) { suite in
      try await suite.with { fixture in
        try await fixture.tell(.fails)
        let error = try await fixture.failure(of: fixture.request(Order(62)), "a failure")
        try expect(error.retryable, "a failure of the engine is taken for the task's: \(error)")
        try expectEqual(error.stage, .infer, "stage")
        try await fixture.expectWell("after a failure")
      }
    },
    Case("what is no picture is not taken for one, and may pass", where: can(.garbles)) { suite in
      try await suite.with { fixture in
        try await fixture.tell(.garbles)
        let error = try await fixture.failure(of: fixture.request(Order(63)), "an unusable answer")
        try expectEqual(error.code, .outputInvalid, "code")
        try expect(error.retryable, "an unusable answer is taken for the task's fault: \(error)")
        try await fixture.expectWell("after an unusable answer")
      }
    },
    Case("an engine that is away says so, and the task may be tried again", where: can(.isAway)) { suite in
      try await suite.with { fixture in
        let prepared = try await fixture.prepare(Order(64))
        try await fixture.tell(.isAway)
        guard case .unavailable(let why) = await fixture.backend.status() else {
          throw ConformanceFailure("an engine that is away is ready", #fileID, #line)
        }
        try expect(!why.isEmpty, "an engine is away for no reason")
        for what in ["describe", "run", "prepare and run"] {
          do {
            switch what {
            case "describe": _ = try await fixture.backend.describe()
            case "run": _ = try await fixture.backend.run(prepared, onAnswer: {})
            default: _ = try await fixture.make(Order(65))
            }
          } catch let error as TaskError {
            try expectEqual(error.code, .engineUnreachable, "code of \(what)")
            try expect(error.retryable, "\(what) is not tried again: \(error)")
            continue
          }
          throw ConformanceFailure("\(what) succeeded without an engine", #fileID, #line)
        }
        // What an engine that is gone was to be told ends all the same.
        try? await fixture.backend.interrupt(prepared)
        _ = try? await fixture.backend.stop()
      }
    },
    Case(
      "an engine that goes away while it works gives the task back",
      where: { can(.works)($0) && can(.isAway)($0) }
    ) { suite in
      try await suite.with { fixture in
        try await fixture.tell(.works)
        let run = try await fixture.begin(Order(66))
        try await fixture.tell(.isAway)
        let error = try await run.failure("a request whose engine went away")
        try expectEqual((error as? TaskError)?.code, .engineUnreachable, "code of \(error)")
        try expectEqual((error as? TaskError)?.retryable, true, "whether it is tried again: \(error)")
      }
    },
  ]
}
