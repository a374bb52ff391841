/// What the door knows of a run that it published: the worker need not ask the ledger for it.
///
/// It travels as one attribute, since a raw SQS message has room for ten.
public struct SubmissionTicket: Sendable, Hashable, Codable {
  /// The attribute's name.
  public static let attribute = "sd_ticket"

  /// Which submission it is.
  public var submission: String
  /// Which run of the task.
  public var run: Int
  /// What the door's record stands at.
  public var revision: Revision
  /// Whose it is.
  public var tenant: String
  /// When the door took it.
  public var createdAt: Timestamp
  /// Whether the message is a stub, since the task was too large to travel: the request is in the ledger.
  public var isStub: Bool

  /// Milliseconds from 1970 to the end of the year 9999: what RFC 3339 can write.
  private static let times = 0..<253_402_300_800_000

  /// What the door knows of a run.
  public init(_ record: TaskRecord, revision: Revision, isStub: Bool = false) {
    submission = record.submission
    run = record.key.run
    self.revision = revision
    tenant = record.key.task.tenant
    createdAt = record.createdAt
    self.isStub = isStub
  }

  /// The ticket among a message's attributes; `nil` when there is none that can be read.
  public init?(_ attributes: MessageAttributes) {
    guard let text = attributes[Self.attribute]?.text, let value = try? JSONValue(parsing: text),
      let submission = value["s"]?.string, let run = value["n"]?.int, (1...1_000_000_000).contains(run),
      let revision = value["v"]?.string, let created = value["c"]?.int, Self.times.contains(created)
    else { return nil }
    self.submission = submission
    self.run = run
    self.revision = Revision(rawValue: revision)
    tenant = value["t"]?.string ?? ""
    createdAt = Timestamp(milliseconds: Int64(created))
    isStub = value["stub"]?.bool ?? false
  }

  /// The attribute's value.
  public var attributeValue: AttributeValue {
    var value: JSONValue = ["s": .string(submission), "n": .int(run), "v": .string(revision.rawValue)]
    if !tenant.isEmpty { value["t"] = .string(tenant) }
    value["c"] = .int(Int(createdAt.milliseconds))
    if isStub { value["stub"] = true }
    return .string(value.text)
  }
}
