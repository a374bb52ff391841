import AWSKit
import Foundation
import HTTPTransport
import SDTestKit
import Synchronization

/// CloudFormation as far as change sets go, for what the stand-in that knows templates cannot be made to do: to fail.
///
/// Answers are of the shapes that the API reference shows.
final class FakeCloudFormation: Sendable {
  /// A stack, and what is to become of it.
  struct Stack: Sendable {
    var status: String
    var outputs: [String: String] = [:]
    /// The states that it goes through, one a look, before it stays in the last one.
    var next: [String] = []
    var events: [Event] = []
    var parameters: [String: String] = [:]
  }

  /// An event; of the stack itself where no resource is named.
  struct Event: Sendable {
    var resource: String?
    var status: String
    var reason: String?
  }

  /// A change of a change set: action, resource, whether it is replaced.
  struct Change: Sendable {
    var action: String
    var resource: String
    var replacement = "False"
  }

  struct State: Sendable {
    var stacks: [String: Stack] = [:]
    /// What happens to a stack when a change set is executed or it is deleted.
    var onExecution: [String: [Event]] = [:]
    /// What a change set of a stack says, one a call; none for "no changes".
    var changes: [String: [[Change]]] = [:]
    /// A reason why change sets of a stack cannot be made.
    var refusals: [String: String] = [:]
    var changeSets: [String: (stack: String, changes: [Change], parameters: [String: String])] = [:]
    var calls: [String] = []
    var events = 0
  }

  private let state: Mutex<State>
  private let server: Mutex<ScriptedHTTPServer?> = Mutex(nil)
  let client: AWSClient

  init(_ state: State) throws {
    self.state = Mutex(state)
    let box = WeakBox()
    let server = try ScriptedHTTPServer { request in box.value?.answer(request) ?? .reset }
    var configuration = AWSConfiguration(region: "us-west-2")
    configuration.endpoints.url = server.url
    let uptime = Mutex(Duration.zero)
    let time = TimeSource(
      now: { Date(timeIntervalSince1970: 1_700_000_000) }, uptime: { uptime.withLock { $0 } },
      sleep: { duration in
        try Task.checkCancellation()
        uptime.withLock { $0 += duration }
        await Task.yield()
      }, random: { 0.5 })
    client = AWSClient(
      configuration: configuration, credentials: StaticCredentialProvider(accessKeyID: "AKID", secretAccessKey: "s"),
      transport: CurlTransport(), time: time)
    self.server.withLock { $0 = server }
    box.value = self
  }

  deinit { server.withLock { $0?.stop() } }

  /// The calls that change something, with the stack that they are about.
  var calls: [String] { state.withLock { $0.calls } }
  var stacks: [String: Stack] { state.withLock { $0.stacks } }

  // MARK: Answers

  private func answer(_ request: RecordedRequest) -> ScriptedAnswer {
    let form = Self.form(request.text)
    let name = form["StackName"] ?? ""
    return state.withLock { state in
      switch form["Action"] {
      case "DescribeStacks": Self.describe(name, &state)
      case "CreateChangeSet": Self.create(name, form, &state)
      case "DescribeChangeSet": Self.describeChangeSet(form["ChangeSetName"] ?? "", state)
      case "ExecuteChangeSet": Self.execute(name, form["ChangeSetName"] ?? "", &state)
      case "DeleteChangeSet": Self.note("DeleteChangeSet \(name)", "DeleteChangeSet", "", &state)
      case "DeleteStack": Self.delete(name, &state)
      case "DescribeStackEvents": Self.events(name, state)
      default: .respond(status: 400, body: "<ErrorResponse><Error><Code>InvalidAction</Code></Error></ErrorResponse>")
      }
    }
  }

  private static func note(_ call: String, _ operation: String, _ result: String, _ state: inout State)
    -> ScriptedAnswer
  {
    state.calls.append(call)
    return xml(operation, result)
  }

  private static func describe(_ name: String, _ state: inout State) -> ScriptedAnswer {
    guard var stack = state.stacks[name] else { return missing(name) }
    if !stack.next.isEmpty { stack.status = stack.next.removeFirst() }
    state.stacks[name] = stack
    if stack.status == "DELETE_COMPLETE" { state.stacks[name] = nil }
    let outputs = stack.outputs.map {
      "<member><OutputKey>\($0.key)</OutputKey><OutputValue>\($0.value)</OutputValue></member>"
    }
    return xml(
      "DescribeStacks",
      """
      <Stacks><member><StackName>\(name)</StackName><StackId>\(name)</StackId>\
      <StackStatus>\(stack.status)</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime>\
      <Outputs>\(outputs.joined())</Outputs></member></Stacks>
      """)
  }

  private static func create(_ name: String, _ form: [String: String], _ state: inout State) -> ScriptedAnswer {
    let isNew = form["ChangeSetType"] == "CREATE"
    let id = "\(name)/\(state.changeSets.count)"
    var changes: [Change] = [Change(action: "Add", resource: "Queue")]
    if !isNew {
      let planned = state.changes[name] ?? []
      changes = planned.first ?? []
      state.changes[name] = Array(planned.dropFirst())
    }
    var parameters: [String: String] = [:]
    for (key, value) in form where key.hasSuffix(".ParameterKey") {
      parameters[value] = form[key.replacing(".ParameterKey", with: ".ParameterValue")]
    }
    if isNew, state.stacks[name] == nil { state.stacks[name] = Stack(status: "REVIEW_IN_PROGRESS") }
    state.changeSets[id] = (name, changes, parameters)
    return note("CreateChangeSet \(name)", "CreateChangeSet", "<Id>\(id)</Id>", &state)
  }

  private static func describeChangeSet(_ id: String, _ state: State) -> ScriptedAnswer {
    guard let set = state.changeSets[id] else { return missing(id) }
    let refusal =
      state.refusals[set.stack] ?? (set.changes.isEmpty ? "The submitted information didn't contain changes." : nil)
    let changes = set.changes.map { change in
      """
      <member><Type>Resource</Type><ResourceChange><Action>\(change.action)</Action>\
      <LogicalResourceId>\(change.resource)</LogicalResourceId><ResourceType>AWS::SQS::Queue</ResourceType>\
      <Replacement>\(change.replacement)</Replacement></ResourceChange></member>
      """
    }
    return xml(
      "DescribeChangeSet",
      """
      <ChangeSetId>\(id)</ChangeSetId><Status>\(refusal == nil ? "CREATE_COMPLETE" : "FAILED")</Status>\
      <StatusReason>\(refusal ?? "")</StatusReason><Changes>\(changes.joined())</Changes>
      """)
  }

  private static func execute(_ name: String, _ id: String, _ state: inout State) -> ScriptedAnswer {
    guard var stack = state.stacks[name], let set = state.changeSets[id] else { return missing(id) }
    let verb = stack.status == "REVIEW_IN_PROGRESS" ? "CREATE" : "UPDATE"
    stack.events = state.onExecution[name] ?? [Event(status: "\(verb)_IN_PROGRESS"), Event(status: "\(verb)_COMPLETE")]
    stack.status = stack.events.last { $0.resource == nil }?.status ?? stack.status
    stack.parameters = set.parameters
    state.stacks[name] = stack
    return note("ExecuteChangeSet \(name)", "ExecuteChangeSet", "", &state)
  }

  private static func delete(_ name: String, _ state: inout State) -> ScriptedAnswer {
    if let events = state.onExecution["delete \(name)"] {
      state.stacks[name]?.events = events
      state.stacks[name]?.status = events.last?.status ?? ""
    } else {
      state.stacks[name] = nil
    }
    return note("DeleteStack \(name)", "DeleteStack", "", &state)
  }

  private static func events(_ name: String, _ state: State) -> ScriptedAnswer {
    guard let stack = state.stacks[name] else { return xml("DescribeStackEvents", "<StackEvents/>") }
    let events = stack.events.enumerated().reversed().map { number, event in
      """
      <member><EventId>\(name)-\(number)</EventId><StackId>\(name)</StackId><StackName>\(name)</StackName>\
      <LogicalResourceId>\(event.resource ?? name)</LogicalResourceId>\
      <PhysicalResourceId>\(event.resource.map { "id-\($0)" } ?? name)</PhysicalResourceId>\
      <ResourceType>AWS::SQS::Queue</ResourceType><ResourceStatus>\(event.status)</ResourceStatus>\
      <ResourceStatusReason>\(event.reason ?? "")</ResourceStatusReason>\
      <Timestamp>2026-01-01T00:00:00Z</Timestamp></member>
      """
    }
    return xml("DescribeStackEvents", "<StackEvents>\(events.joined())</StackEvents>")
  }

  private static func xml(_ operation: String, _ result: String) -> ScriptedAnswer {
    .respond(
      body: "<\(operation)Response><\(operation)Result>\(result)</\(operation)Result></\(operation)Response>")
  }

  private static func missing(_ name: String) -> ScriptedAnswer {
    .respond(
      status: 400,
      body: """
        <ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id \(name) does not exist</Message>\
        </Error></ErrorResponse>
        """)
  }

  private static func form(_ text: String) -> [String: String] {
    var form: [String: String] = [:]
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1).map { String($0).removingPercentEncoding ?? "" }
      form[parts[0]] = parts.count > 1 ? parts[1] : ""
    }
    return form
  }
}

private final class WeakBox: Sendable {
  private let state = Mutex<WeakReference>(WeakReference())
  private struct WeakReference: Sendable { weak var value: FakeCloudFormation? }
  var value: FakeCloudFormation? {
    get { state.withLock { $0.value } }
    set { state.withLock { $0.value = newValue } }
  }
}
