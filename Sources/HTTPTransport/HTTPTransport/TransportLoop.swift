internal import CHTTPTransport

/// The transport's thread: it alone touches libcurl's handles.
///
/// A turn takes what was posted, lets libcurl work, gathers what has ended, lets callers go on, and waits.
final class TransportLoop {
  let mailbox: Mailbox
  private let bell: Bell
  private var multi: OpaquePointer
  private let configuration: CurlTransport.Configuration
  private var transfers: [ObjectIdentifier: Transfer] = [:]
  /// Handles that wait for their next exchange; they keep their caches.
  private var spares: [OpaquePointer] = []
  /// Exchanges that have something for their callers, who are let go once a turn.
  private var touched: [Transfer] = []
  /// No deadline passes before this.
  private var earliest = Int64.max
  /// When the last exchange ended, while connections may be kept.
  private var idleSince: Int64?

  private static let maximumSpares = 64
  private static let roundsOfCommands = 4
  /// Nothing depends on this wait ending by itself.
  private static let longestWait: Int64 = 600_000_000_000

  init(mailbox: Mailbox, bell: Bell, multi: OpaquePointer, configuration: CurlTransport.Configuration) {
    (self.mailbox, self.bell, self.multi, self.configuration) = (mailbox, bell, multi, configuration)
  }

  static func makeMulti(_ configuration: CurlTransport.Configuration) -> OpaquePointer? {
    guard globalInit else { return nil }
    let limit = { (count: Int?) in count.map { max(1, $0) } ?? 0 }
    return ht_multi_new(
      limit(configuration.maximumConnections), limit(configuration.maximumConnectionsPerHost),
      max(1, configuration.maximumIdleConnections))
  }

  /// What holds for all exchanges.
  private func withSettings<Result>(_ body: (inout ht_settings) -> Result) -> Result {
    withOptionalCString(configuration.certificateAuthorityFile) { authorities in
      var settings = ht_settings()
      settings.ca_file = authorities
      settings.idle_seconds = max(1, Int(clamping: configuration.idleTimeout.components.seconds))
      settings.http2 = configuration.http2
      return body(&settings)
    }
  }

  /// Has a handle forget its exchange; false if it cannot be used again.
  private func makeAsNew(_ easy: OpaquePointer) -> Bool {
    ht_easy_reset(easy) || withSettings { ht_easy_renew(easy, &$0) }
  }

  /// libcurl is prepared once a process, and stays so.
  static let globalInit = ht_global_init()

  /// The body of the thread; takes over the reference that `context` is.
  static func runThread(_ context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    let loop = Unmanaged<TransportLoop>.fromOpaque(context).takeRetainedValue()
    loop.run()
  }

  /// Something must have happened by then.
  func expect(_ deadline: Int64) { earliest = min(earliest, deadline) }

  func touch(_ transfer: Transfer) {
    guard !transfer.isTouched else { return }
    transfer.isTouched = true
    touched.append(transfer)
  }

  private func run() {
    var commands: [Mailbox.Command] = []
    while true {
      let phase = obeyAll(&commands)
      if phase == .closing { break }
      if !transfers.isEmpty { ht_multi_perform(multi) }
      endFinished()
      let now = ht_now()
      if now >= earliest { endLate(now) }
      letCallersGo()
      if transfers.isEmpty, phase == .retiring { break }
      closeIdleConnections(now)
      if mailbox.mayWait() { bell.wait(with: multi, milliseconds: wait(now)) }
    }
    endAll()
    for easy in spares { ht_easy_free(easy) }
    ht_multi_free(multi)
    mailbox.end()
  }

  /// Does what was posted; what tasks on this thread post by that goes out in the same turn, within a bound.
  private func obeyAll(_ commands: inout [Mailbox.Command]) -> Mailbox.Phase {
    var phase = mailbox.take(into: &commands)
    for _ in 1..<Self.roundsOfCommands where !commands.isEmpty {
      for command in commands { obey(command) }
      commands.removeAll(keepingCapacity: true)
      phase = mailbox.take(into: &commands)
    }
    for command in commands { obey(command) }
    commands.removeAll(keepingCapacity: true)
    return phase
  }

  private func obey(_ command: Mailbox.Command) {
    switch command {
    case .start(let exchange): start(exchange)
    case .cancel(let exchange):
      if let transfer = transfers[ObjectIdentifier(exchange)] { end(transfer, nil) }
    case .resumeReceiving(let exchange): resume(exchange) { $0.resumeReceiving() }
    case .resumeSending(let exchange): resume(exchange) { $0.resumeSending() }
    case .run(let job): job.runSynchronously(on: mailbox.asUnownedTaskExecutor())
    }
  }

  /// Lets a transfer go on. What it kept back is handed over at once; where a callback stops it at that, libcurl would
  /// end it with the next byte only, which may never come.
  private func resume(_ exchange: Exchange, _ body: (Transfer) -> Void) {
    guard let transfer = transfers[ObjectIdentifier(exchange)] else { return }
    body(transfer)
    if let error = transfer.stop { end(transfer, error) }
  }

  private func start(_ exchange: Exchange) {
    guard let easy = spares.popLast() ?? withSettings({ ht_easy_new(TransportCallbacks.table, &$0) }) else {
      exchange.end(with: exchange.error(.connectionFailed, "libcurl gives no handle", sent: false))
      return exchange.wake()
    }
    let transfer = Transfer(exchange, easy: easy, loop: self)
    transfers[ObjectIdentifier(exchange)] = transfer
    expect(transfer.deadline)
    add(transfer, fresh: false)
  }

  private func add(_ transfer: Transfer, fresh: Bool) {
    guard transfer.prepare(fresh: fresh), ht_multi_add(multi, transfer.easy) else {
      return end(transfer, transfer.exchange.error(.invalidRequest, "libcurl refuses the request", sent: false))
    }
  }

  private func endFinished() {
    var outcome = HT_COMPLETE
    while let context = ht_multi_next_ended(multi, &outcome) {
      let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
      if transfer.needsFreshConnection {
        ht_multi_remove(multi, transfer.easy)
        // Refused by libcurl, it is refused again by `add`.
        _ = makeAsNew(transfer.easy)
        add(transfer, fresh: true)
      } else {
        end(transfer, transfer.failure(outcome))
      }
    }
  }

  private func endLate(_ now: Int64) {
    earliest = .max
    for transfer in transfers.values {
      if let error = transfer.timeout(now) {
        end(transfer, error)
      } else {
        expect(transfer.deadline)
      }
    }
  }

  private func endAll() {
    for transfer in transfers.values {
      end(transfer, transfer.exchange.error(.closed, "the transport was shut down", sent: transfer.isSent))
    }
    letCallersGo()
  }

  /// Takes the handle back and notes how the exchange ended.
  private func end(_ transfer: Transfer, _ error: TransportError?) {
    ht_multi_remove(multi, transfer.easy)
    transfer.release()
    if makeAsNew(transfer.easy), spares.count < Self.maximumSpares {
      spares.append(transfer.easy)
    } else {
      ht_easy_free(transfer.easy)
    }
    transfers[ObjectIdentifier(transfer.exchange)] = nil
    if transfers.isEmpty { idleSince = ht_now() }
    transfer.exchange.end(with: error)
    touch(transfer)
  }

  private func letCallersGo() {
    for transfer in touched {
      transfer.isTouched = false
      transfer.exchange.wake()
    }
    touched.removeAll(keepingCapacity: true)
  }

  /// libcurl looks at the age of kept connections only when it needs one; a new multi handle closes them all.
  private func closeIdleConnections(_ now: Int64) {
    guard transfers.isEmpty, let since = idleSince, now >= since.advanced(bySaturating: configuration.idleTimeout)
    else {
      return
    }
    idleSince = nil
    guard let fresh = Self.makeMulti(configuration) else { return }
    ht_multi_free(multi)
    multi = fresh
  }

  private func wait(_ now: Int64) -> Int32 {
    var until = min(earliest, now + Self.longestWait)
    if transfers.isEmpty, let since = idleSince {
      until = min(until, since.advanced(bySaturating: configuration.idleTimeout))
    }
    return Int32(clamping: max(0, until - now + 999_999) / 1_000_000)
  }
}
