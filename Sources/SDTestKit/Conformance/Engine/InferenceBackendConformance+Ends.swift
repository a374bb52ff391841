import SDCore

extension InferenceBackendConformance {
  /// What may be done while the engine works.
  static let workingCases: [Case] = [
    Case("while the engine works it is not told to be idle, and the next request is prepared", where: can(.works)) {
      suite in
      try await suite.with { fixture in
        try await fixture.tell(.works)
        let run = try await fixture.begin(Order(11))
        let status = await fixture.backend.status()
        try expect(status == .ready(busy: true) || status == .ready(busy: nil), "an engine that works is \(status)")
        var next = Order(12)
        next.id = "next"
        let prepared = try await fixture.prepare(next)
        try expect(!run.hasEnded && run.answers == 0, "it ended, or answered, while the engine works")
        try await fixture.tell(.makes)
        try expectEqual(try await run.ended("the request").get().outputs.count, 1, "pictures of the first")
        try expectEqual(run.answers, 1, "calls of onAnswer")
        let outputs = try await fixture.backend.run(prepared, onAnswer: {}).finish().outputs
        try expectEqual(outputs.count, 1, "pictures of the second")
      }
    },
    Case("progress is told of what runs alone, never falls, and ends", where: can(.works)) { suite in
      try await suite.with { fixture in
        let backend = fixture.backend
        let tells = try await backend.describe().reportsProgress
        try await fixture.tell(.works)
        let run = try await fixture.begin(Order(21))
        var other = Order(22)
        other.id = "other"
        let waiting = try await fixture.prepare(other)
        var last = 0.0
        for round in 0..<6 {
          // What was told before anybody listened is not told again: then it takes another step.
          if tells {
            try? await eventually("progress", limit: .seconds(1)) {
              try await backend.progress(of: run.prepared) != nil
            }
          }
          if let told = try await backend.progress(of: run.prepared, withPreview: round == 1) {
            try expect((0...1).contains(told.fraction), "progress of \(told.fraction)")
            try expect(told.fraction >= last, "progress fell from \(last) to \(told.fraction)")
            if let step = told.step, let steps = told.steps { try expect(step <= steps, "step \(step) of \(steps)") }
            last = told.fraction
          }
          try expect(try await backend.progress(of: waiting) == nil, "progress of what does not run")
          try await fixture.step()
        }
        if tells { try expect(last > 0, "an engine that got on told nothing of it") }
        try await fixture.tell(.makes)
        _ = try await run.ended("the request").get()
        try expect(try await backend.progress(of: run.prepared) == nil, "progress of what has ended")
      }
    },
  ]

  /// How work is ended before its time.
  static let endCases: [Case] = [
    Case("cancelling ends the exchange at once, and an interrupt then ends the engine's work", where: can(.works)) {
      suite in
      try await suite.with { fixture in
        let interrupts = try await fixture.backend.describe().interrupts
        try await fixture.tell(.works)
        let run = try await fixture.begin(Order(31))
        run.cancel()
        try await run.expectCancelled("a cancelled request")
        try expectEqual(run.answers, 0, "calls of onAnswer")
        try expect(try await fixture.backend.progress(of: run.prepared) == nil, "progress of what was given up")
        try await fixture.backend.interrupt(run.prepared)
        if interrupts {
          try await eventually("the engine is free", limit: .seconds(30)) { await fixture.working() == 0 }
        }
        try await fixture.expectWell("after a cancelled request")
      }
    },
    Case("a request that is cancelled before it begins does not begin") { suite in
      try await suite.with { fixture in
        let prepared = try await fixture.prepare(Order(32))
        let backend = fixture.backend
        let late = Task {
          withUnsafeCurrentTask { $0?.cancel() }
          _ = try await backend.run(prepared, onAnswer: {})
        }
        let result = await late.result
        do { try result.get() } catch {
          try expect(error is CancellationError, "expected a CancellationError, got \(type(of: error)): \(error)")
          return try await fixture.expectWell("after a request that never began")
        }
        throw ConformanceFailure("a cancelled request was done", #fileID, #line)
      }
    },
    Case("an answer that never ends can be given up", where: can(.stalls)) { suite in
      try await suite.with { fixture in
        try await fixture.tell(.stalls)
        let run = EngineRun(fixture.backend, try await fixture.prepare(Order(33)))
        try await eventually("the answer begins", limit: .seconds(30)) { run.answers == 1 || run.hasEnded }
        try expect(!run.hasEnded, "half an answer was taken for one")
        run.cancel()
        try await run.expectCancelled("an endless answer")
        try expectEqual(run.answers, 1, "calls of onAnswer")
        try await fixture.expectWell("after an endless answer")
      }
    },
    Case("an interrupt ends what runs, and what was made until then is not kept", where: can(.works)) { suite in
      try await suite.with { fixture in
        guard try await fixture.backend.describe().interrupts else { return }
        try await fixture.tell(.works)
        let run = try await fixture.begin(Order(41))
        try await fixture.backend.interrupt(run.prepared)
        let error = try await run.failure("an interrupted request")
        try expectEqual((error as? TaskError)?.stage, .infer, "stage of \(error)")
        try await fixture.expectWell("after an interrupt")
      }
    },
    Case("an interrupt of what does not run, or not any more, stops nobody else", where: can(.works)) { suite in
      try await suite.with { fixture in
        var orders = [Order(51), Order(52), Order(53)]
        for index in orders.indices { orders[index].id = "task-\(index)" }
        let ended = try await fixture.prepare(orders[0])
        _ = try await fixture.backend.run(ended, onAnswer: {}).finish()
        let waiting = try await fixture.prepare(orders[1])
        try await fixture.tell(.works)
        let run = try await fixture.begin(orders[2])
        try await fixture.backend.interrupt(ended)
        try await fixture.backend.interrupt(waiting)
        try expectEqual(await fixture.working(), 1, "requests that the engine works on")
        try await fixture.tell(.makes)
        try expectEqual(try await run.ended("a request that nobody interrupted").get().outputs.count, 1, "pictures")
        try expectEqual(
          try await fixture.backend.run(waiting, onAnswer: {}).finish().outputs.count, 1, "pictures of what waited")
      }
    },
    Case("asked to end, it says whether it can") { suite in
      try await suite.with { fixture in _ = try await fixture.backend.stop() }
    },
  ]
}
