import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Ends connections whose request does not arrive in time, with a 408, and those whose head is too large, with a 431.
///
/// Only what has begun to arrive is timed, and a connection that says nothing at all: between requests the server's idle
/// limit holds.
final class ArrivalGuard: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private enum Stage { case quiet, head, body }

  private let headLimit: TimeAmount
  private let bodyLimit: TimeAmount
  private var stage = Stage.quiet
  private var deadline: Scheduled<Void>?
  private var isAnswering = false
  /// Requests whose answers are not out yet.
  private var open = 0
  private var isEnded = false

  init(head: Duration, body: Duration) { (headLimit, bodyLimit) = (TimeAmount(head), TimeAmount(body)) }

  func handlerAdded(context: ChannelHandlerContext) {
    // Heads are whole when they come here; what tells that one has begun sees the bytes before they are read.
    let bytes = FirstBytes { [weak self] in self?.began(context) }
    try? context.pipeline.syncOperations.addHandler(bytes, position: .first)
    enter(.head, context)
  }

  func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isEnded else { return }
    switch unwrapInboundIn(data) {
    case .head:
      open += 1
      enter(.body, context)
    case .body: break
    case .end: enter(.quiet, context)
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard !isEnded else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    switch unwrapOutboundIn(data) {
    case .head: isAnswering = true
    case .body: break
    case .end:
      isAnswering = false
      open -= 1
    }
    context.write(data, promise: promise)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if case HTTPParserError.headerOverflow = error {
      end(.requestHeaderFieldsTooLarge, context)
    } else if !isEnded {
      context.fireErrorCaught(error)
    }
  }

  /// Bytes came: of a head, unless a request is on its way or its answer is.
  private func began(_ context: ChannelHandlerContext) {
    if stage == .quiet, !isAnswering { enter(.head, context) }
  }

  private func enter(_ stage: Stage, _ context: ChannelHandlerContext) {
    self.stage = stage
    deadline?.cancel()
    deadline = nil
    guard stage != .quiet else { return }
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: stage == .head ? headLimit : bodyLimit) {
      // The next request of a patient client is not read before the one before it is answered.
      if stage == .head, self.open > 0 { self.enter(.head, context) } else { self.end(.requestTimeout, context) }
    }
  }

  private func end(_ status: HTTPResponse.Status, _ context: ChannelHandlerContext) {
    guard !isEnded else { return }
    isEnded = true
    deadline?.cancel()
    guard context.channel.isActive else { return }
    // In the midst of an answer there is no place for another.
    if !isAnswering {
      let head = HTTPResponse(status: status, headerFields: [.connection: "close", .contentLength: "0"])
      context.write(wrapOutboundOut(.head(head)), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
    context.close(promise: nil)
  }
}

/// Tells that bytes came, before anybody reads them.
private final class FirstBytes: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let onBytes: () -> Void

  init(_ onBytes: @escaping () -> Void) { self.onBytes = onBytes }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    onBytes()
    context.fireChannelRead(data)
  }
}
