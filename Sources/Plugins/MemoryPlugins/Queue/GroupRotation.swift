/// Messages that are due, by group: groups take turns, so that a busy one does not hold back the others.
///
/// On a FIFO queue a group whose head is out is blocked until it is released. Messages without a group are a group too.
struct GroupRotation {
  private struct Group {
    var sequences = SortedQueue()
    /// Whether it stands in the rotation.
    var isQueued = false
    /// Whether a message of it is out, on a FIFO queue.
    var isBlocked = false
    var isIdle: Bool { sequences.isEmpty && !isBlocked && !isQueued }
  }

  private let oneAtATime: Bool
  private var groups: [String?: Group] = [:]
  private var rotation = RingBuffer<String?>()

  init(oneAtATime: Bool) { self.oneAtATime = oneAtATime }

  /// Adds a message that is due; an older one goes before newer ones.
  mutating func insert(_ sequence: Int, group name: String?) {
    groups[name, default: Group()].sequences.insert(sequence)
    queue(name)
  }

  /// The next message whose turn it is.
  mutating func next() -> Int? {
    while let name = rotation.popFirst() {
      groups[name]?.isQueued = false
      guard let sequence = groups[name]?.isBlocked == true ? nil : groups[name]?.sequences.popFirst() else {
        settle(name)
        continue
      }
      if oneAtATime { groups[name]?.isBlocked = true } else { queue(name) }
      settle(name)
      return sequence
    }
    return nil
  }

  /// Lets a group go on whose head was out.
  mutating func release(_ name: String) {
    groups[name]?.isBlocked = false
    queue(name)
    settle(name)
  }

  /// Takes out a message that is gone for good.
  mutating func remove(_ sequence: Int, group name: String?) {
    groups[name]?.sequences.remove(sequence)
    settle(name)
  }

  private mutating func queue(_ name: String?) {
    guard let group = groups[name], !group.isQueued, !group.isBlocked, !group.sequences.isEmpty else { return }
    groups[name]?.isQueued = true
    rotation.append(name)
  }

  private mutating func settle(_ name: String?) { if groups[name]?.isIdle == true { groups[name] = nil } }
}

/// Numbers in order, mostly added at the end and taken from the front.
struct SortedQueue {
  private var numbers: [Int] = []
  private var head = 0

  var isEmpty: Bool { head == numbers.count }

  mutating func insert(_ number: Int) {
    if let last = numbers.last, head < numbers.count, last > number {
      let position = self.position(of: number)
      if numbers[position] != number { numbers.insert(number, at: position) }
    } else if isEmpty || numbers.last != number {
      numbers.append(number)
    }
  }

  mutating func popFirst() -> Int? {
    guard !isEmpty else { return nil }
    defer { compact() }
    head += 1
    return numbers[head - 1]
  }

  mutating func remove(_ number: Int) {
    guard !isEmpty else { return }
    let position = self.position(of: number)
    if position < numbers.count, numbers[position] == number { numbers.remove(at: position) }
  }

  /// Where a number is or belongs.
  private func position(of number: Int) -> Int {
    var (low, high) = (head, numbers.count)
    while low < high {
      let middle = (low + high) / 2
      if numbers[middle] < number { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private mutating func compact() {
    guard head > 64, head * 2 > numbers.count else { return }
    numbers.removeFirst(head)
    head = 0
  }
}

/// A queue of values, first in, first out.
struct RingBuffer<Element> {
  private var incoming: [Element] = []
  private var outgoing: [Element] = []

  mutating func append(_ element: Element) { incoming.append(element) }

  mutating func popFirst() -> Element? {
    if outgoing.isEmpty {
      outgoing = incoming.reversed()
      incoming.removeAll()
    }
    return outgoing.popLast()
  }
}
