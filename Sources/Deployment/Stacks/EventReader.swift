import AWSKit

/// Reads a stack's events as they come, each once, the oldest first.
struct EventReader {
  private let cloudFormation: CloudFormation
  private let stack: String
  private var known: Set<String>
  /// How the stack ended, once it has.
  private(set) var end: StackStatus?
  /// What failed first.
  private(set) var cause: CloudFormation.StackEvent?

  private static let pages = 100

  init(_ cloudFormation: CloudFormation, stack: String, known: Set<String>) {
    (self.cloudFormation, self.stack, self.known) = (cloudFormation, stack, known)
  }

  /// The events that are there before something is begun: the newest hundred are enough to know where new ones begin.
  static func known(_ cloudFormation: CloudFormation, stack: String) async throws -> Set<String> {
    Set(try await cloudFormation.describeStackEvents(name: stack).events.map(\.id))
  }

  /// The events since the last look.
  mutating func next() async throws -> [CloudFormation.StackEvent] {
    var new: [CloudFormation.StackEvent] = []
    var token: String?
    reading: for _ in 0..<Self.pages {
      let page = try await cloudFormation.describeStackEvents(name: stack, nextToken: token)
      for event in page.events {
        if known.contains(event.id) { break reading }
        new.append(event)
      }
      guard let next = page.nextToken else { break }
      token = next
    }
    new.reverse()
    for event in new { note(event) }
    return new
  }

  private mutating func note(_ event: CloudFormation.StackEvent) {
    known.insert(event.id)
    let status = StackStatus(event.status ?? "")
    if event.physicalID == event.stackID {
      end = status.text.hasSuffix("_IN_PROGRESS") ? nil : status
    } else if cause == nil, status.text.hasSuffix("_FAILED"), event.reason?.contains("cancelled") != true {
      cause = event
    }
  }
}
