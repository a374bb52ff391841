import AWSKit
import SDCore
import Synchronization
import Testing

@testable import Deployment

@Suite("A deployer")
final class DeployerTests: Sendable {
  private typealias Event = FakeCloudFormation.Event
  private typealias Stack = FakeCloudFormation.Stack

  /// A pipeline and one runtime, on somebody's own cluster.
  private static let pipelineOutputs = [
    "InputTopicArn": "arn:aws:sns:us-west-2:1:in", "OutputTopicArn": "arn:aws:sns:us-west-2:1:out",
    "OutputS3Bucket": "arn:aws:s3:::out", "RuntimesUri": "s3://out/.sd/runtimes.yaml",
  ]

  private let events = Mutex<[DeploymentEvent]>([])

  private func deployer(_ cloud: FakeCloudFormation) throws -> Deployer {
    var configuration = try DeploymentConfiguration(
      yaml: Samples.minimal("cluster: {create: false, name: ours}"), path: "config.yaml")
    configuration.images.registry = "123456789012.dkr.ecr.us-west-2.amazonaws.com/sd"
    let plan = try DeploymentPlan(
      configuration, region: "us-west-2", assets: try Samples.assets(), version: "0.1.0")
    return try Deployer(
      plan, assets: try Samples.assets(), client: cloud.client,
      tools: .init(tokenCommand: ["sdctl"]) { $0.runtimes.map(\.name).joined() }
    ) { [self] event in events.withLock { $0.append(event) } }
  }

  private func failure(_ body: () async throws -> Void) async throws -> DeploymentError {
    try #require(await #expect(throws: DeploymentError.self) { try await body() })
  }

  @Test("shows what only others' outputs can tell as to be created later, and makes no change set of it")
  func first() async throws {
    let cloud = try FakeCloudFormation(.init())
    let changes = try await deployer(cloud).prepare()
    #expect(changes.map(\.action) == [.create, .create])
    #expect(changes.map { $0.changeSet == nil } == [false, true])
    #expect(try #require(changes[1].templateResources) > 5)
    #expect(cloud.calls == ["CreateChangeSet sd"])
  }

  @Test("throws away what it made to look, and the empty stack with it")
  func discards() async throws {
    let cloud = try FakeCloudFormation(.init())
    let deployer = try deployer(cloud)
    await deployer.discard(try await deployer.prepare())
    #expect(cloud.calls == ["CreateChangeSet sd", "DeleteChangeSet sd", "DeleteStack sd"])
    #expect(cloud.stacks.isEmpty)
  }

  @Test("names what failed first, not what failed because of it")
  func cause() async throws {
    var state = FakeCloudFormation.State()
    state.onExecution["sd"] = [
      Event(status: "CREATE_IN_PROGRESS"), Event(resource: "Api", status: "CREATE_IN_PROGRESS"),
      Event(resource: "Gateway", status: "CREATE_FAILED", reason: "Source image does not exist"),
      Event(resource: "Api", status: "CREATE_FAILED", reason: "Resource creation cancelled"),
      Event(status: "ROLLBACK_IN_PROGRESS", reason: "The following resource(s) failed to create"),
      Event(resource: "Api", status: "DELETE_FAILED", reason: "later"), Event(status: "ROLLBACK_COMPLETE"),
    ]
    let cloud = try FakeCloudFormation(state)
    let deployer = try deployer(cloud)
    let changes = try await deployer.prepare()
    let error = try await failure { _ = try await deployer.apply(changes) { _ in } }
    #expect(error.code == .stackFailed)
    #expect(error.message.contains("Gateway (AWS::SQS::Queue) failed first: Source image does not exist"))
    #expect(error.message.contains("removed again"))
    #expect(!cloud.calls.contains("CreateChangeSet sd-a"), "what needs it is not begun")
  }

  @Test("deletes what a failed creation left, and creates it")
  func recreates() async throws {
    var state = FakeCloudFormation.State()
    state.stacks["sd"] = Stack(status: "ROLLBACK_COMPLETE")
    let cloud = try FakeCloudFormation(state)
    let deployer = try deployer(cloud)
    let changes = try await deployer.prepare()
    #expect(changes[0].action == .recreate)
    _ = try await failure { _ = try await deployer.apply(changes) { _ in } }
    #expect(cloud.calls == ["DeleteStack sd", "CreateChangeSet sd", "ExecuteChangeSet sd"])
  }

  @Test("waits for what an earlier run has begun")
  func attaches() async throws {
    var state = FakeCloudFormation.State()
    state.stacks["sd"] = Stack(
      status: "CREATE_IN_PROGRESS", outputs: Self.pipelineOutputs,
      next: ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"])
    let cloud = try FakeCloudFormation(state)
    let changes = try await deployer(cloud).prepare()
    #expect(changes[0].action == .keep)
    let isTold = events.withLock { events in
      events.contains { if case .notice(let text) = $0 { text.contains("waiting") } else { false } }
    }
    #expect(isTold)
  }

  @Test(
    "says what to do with a stack that is left between two states, and does nothing",
    arguments: [("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"), ("DELETE_FAILED", "delete-stack")])
  func stuck(status: String, advice: String) async throws {
    var state = FakeCloudFormation.State()
    state.stacks["sd"] = Stack(status: status)
    let cloud = try FakeCloudFormation(state)
    let error = try await failure { _ = try await deployer(cloud).prepare() }
    #expect(error.code == .stuck)
    #expect(error.message.contains(advice))
    #expect(cloud.calls.isEmpty)
  }

  @Test("says why a change set cannot be made, and throws away those that were")
  func refused() async throws {
    var state = FakeCloudFormation.State()
    state.stacks["sd"] = Stack(status: "CREATE_COMPLETE", outputs: Self.pipelineOutputs)
    state.changes["sd"] = [[.init(action: "Modify", resource: "Gateway")]]
    state.refusals["sd-a"] = "Template format error"
    let cloud = try FakeCloudFormation(state)
    let error = try await failure { _ = try await deployer(cloud).prepare() }
    #expect(error.message.contains("Template format error"))
    #expect(cloud.calls.suffix(2) == ["DeleteStack sd-a", "DeleteChangeSet sd"])
  }

  @Test("makes a change set anew when what it was made of has changed, and asks before it loses something unseen")
  func asksAgain() async throws {
    struct Refusal: Error {}
    var state = FakeCloudFormation.State()
    state.stacks["sd"] = Stack(status: "CREATE_COMPLETE", outputs: Self.pipelineOutputs)
    state.stacks["sd-a"] = Stack(status: "CREATE_COMPLETE", outputs: ["QueueUrl": "https://q/1/a"])
    state.changes["sd"] = [[.init(action: "Modify", resource: "OutputTopic", replacement: "True")]]
    state.changes["sd-a"] = [
      [.init(action: "Modify", resource: "Role")], [.init(action: "Modify", resource: "Queue", replacement: "True")],
    ]
    // The pipeline's stack is changed so that its topic is another one.
    state.onExecution["sd"] = [Event(status: "UPDATE_IN_PROGRESS"), Event(status: "UPDATE_COMPLETE")]
    let cloud = try FakeCloudFormation(state)
    let deployer = try deployer(cloud)
    var changes = try await deployer.prepare()
    #expect(changes[0].losses.map(\.logicalID) == ["OutputTopic"])
    #expect(changes[1].losses.isEmpty)
    // As if the plan had been made before another topic was known.
    changes[1].parameters?["OutputTopicArn"] = "arn:aws:sns:us-west-2:1:old"
    let asked = Mutex<[String]>([])
    await #expect(throws: Refusal.self) {
      _ = try await deployer.apply(changes) { change in
        asked.withLock { $0.append(change.stack.name) }
        throw Refusal()
      }
    }
    #expect(asked.withLock { $0 } == ["sd-a"])
    #expect(!cloud.calls.contains("ExecuteChangeSet sd-a"))
    #expect(cloud.calls.last == "DeleteChangeSet sd-a")
  }

  @Test("names the output that a stack should have and has not")
  func missingOutput() async throws {
    let cloud = try FakeCloudFormation(.init())
    let deployer = try deployer(cloud)
    let changes = try await deployer.prepare()
    let error = try await failure { _ = try await deployer.apply(changes) { _ in } }
    #expect(error.message.contains("${sd.InputTopicArn}"))
  }

  @Test("removes stacks in the other order, and tells what holds one that stays")
  func destroys() async throws {
    var state = FakeCloudFormation.State()
    state.stacks["sd"] = Stack(status: "CREATE_COMPLETE", outputs: Self.pipelineOutputs)
    state.stacks["sd-a"] = Stack(status: "CREATE_COMPLETE")
    state.onExecution["delete sd"] = [
      Event(status: "DELETE_IN_PROGRESS"),
      Event(resource: "Vpc", status: "DELETE_FAILED", reason: "has dependencies"), Event(status: "DELETE_FAILED"),
    ]
    let cloud = try FakeCloudFormation(state)
    let error = try await failure { try await deployer(cloud).destroy(stacksOnly: true) }
    #expect(cloud.calls == ["DeleteStack sd-a", "DeleteStack sd"])
    #expect(error.message.contains("Vpc (AWS::SQS::Queue) failed first: has dependencies"))
  }

  @Test("names the runtimes as the gateway reads them")
  func catalog() throws {
    let plan = try Samples.plan(Samples.example)
    let catalog = plan.catalog([
      "sd-sdxl": ["QueueUrl": "https://sqs/1/sd-sdxl-Queue-7", "PriorityQueueUrl": "https://sqs/1/u"]
    ])
    #expect(
      catalog.runtimes == [
        .init(
          name: "sdxl", engine: "webui", model: "sd_xl_turbo_1.0.safetensors", queue: "sd-sdxl-Queue-7",
          priorityQueue: "u"), .init(name: "comfy", engine: "comfyui", isJob: true),
      ])
    // The gateway has to know which tasks the filters of the systems before let through.
    #expect(try Samples.plan(Samples.before("reference")).catalog([:]).runtimes.map(\.routing) == [.reference])
    #expect(try Samples.plan(Samples.before("successor")).catalog([:]).runtimes.map(\.routing) == [.successor])
  }

  @Test("tells values that differ by their places")
  func differences() {
    let before: JSONObject = ["a": ["b": 1, "c": [1, 2]], "d": "x"]
    let after: JSONObject = ["a": ["b": 2, "c": [1, 2]], "e": true]
    #expect(
      ValueDifference.all(from: before, to: after) == [
        .init(path: "a.b", before: 1, after: 2), .init(path: "d", before: "x", after: nil),
        .init(path: "e", before: nil, after: true),
      ])
    #expect(ValueDifference.all(from: after, to: after).isEmpty)
  }
}
