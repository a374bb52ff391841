import Glibc

/// A program that this one started, and what it cost.
public final class Child {
  /// What a program printed and used until its end.
  public struct Result {
    /// What it printed to standard output.
    public var output: String
    /// Its exit status; negative: the signal that ended it.
    public var status: Int32
    /// From its start to its end, in seconds.
    public var wall: Double
    /// What it used of the processors, in seconds.
    public var processor: Double
    /// The most memory that it had at a time, in MiB.
    public var peakMemory: Memory
  }

  /// What a program has in memory, in MiB.
  public struct Memory {
    /// Pages of its own: heap, stacks, written data. What one more such process costs the machine.
    public var own = 0.0
    /// Those, and the pages of mapped files: programs and libraries, which processes share and the kernel can drop.
    public var resident = 0.0
  }

  /// A program that could not be started, or failed.
  public struct Failure: Error, CustomStringConvertible {
    /// What failed.
    public var description: String
    /// A failure.
    public init(_ description: String) { self.description = description }
  }

  private let name: String
  private let process: pid_t
  private let output: Int32
  private let began = ContinuousClock.now
  private var hasEnded = false

  /// Starts a program; its standard error is this one's.
  ///
  /// - Parameter environment: all of its variables.
  public init(_ arguments: [String], environment: [String: String]) throws {
    name = arguments.joined(separator: " ")
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Failure("no pipe: \(String(cString: strerror(errno)))") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    output = ends[0]
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    var words = arguments.map { strdup($0) } + [nil]
    var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    var started: pid_t = 0
    let result = posix_spawnp(&started, arguments[0], &actions, nil, &words, &variables)
    process = started
    for pointer in words + variables { free(pointer) }
    posix_spawn_file_actions_destroy(&actions)
    close(ends[1])
    guard result == 0 else { throw Failure("\(name) cannot be started: \(String(cString: strerror(result)))") }
  }

  deinit {
    if !hasEnded { end() }
    close(output)
  }

  /// The next line that the program prints.
  public func line() throws -> String {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while read(output, &byte, 1) == 1 {
      if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
    throw Failure("\(name) ended without saying anything")
  }

  /// Waits for the program's end.
  public func wait() -> Result {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    var memory = Memory()
    var ready = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
    while true {
      // Looked at while it runs: `ru_maxrss` counts this program's memory too, from before the other took its place.
      look(&memory)
      guard poll(&ready, 1, 5) != 0 else { continue }
      let count = read(output, &buffer, buffer.count)
      if count <= 0 { break }
      bytes.append(contentsOf: buffer[..<count])
    }
    var (status, usage) = (Int32(0), rusage())
    while wait4(process, &status, 0, &usage) < 0, errno == EINTR {}
    hasEnded = true
    let signal = status & 0x7F
    return Result(
      output: String(decoding: bytes, as: UTF8.self), status: signal == 0 ? (status >> 8) & 0xFF : -signal,
      wall: began.duration(to: .now).seconds, processor: usage.processorSeconds, peakMemory: memory)
  }

  /// Notes how much memory the program has, and has had.
  private func look(_ memory: inout Memory) {
    guard let file = fopen("/proc/\(process)/status", "r") else { return }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let words = line.withUnsafeBufferPointer { String(cString: $0.baseAddress.unsafelyUnwrapped) }
        .split(whereSeparator: \.isWhitespace)
      guard words.count > 1, let kibibytes = Double(words[1]) else { continue }
      switch words[0] {
      case "VmHWM:": memory.resident = max(memory.resident, kibibytes / 1024)
      case "RssAnon:": memory.own = max(memory.own, kibibytes / 1024)
      default: break
      }
    }
  }

  /// What the program has used of the processors so far, in seconds.
  public func processorTime() throws -> Double {
    guard let file = fopen("/proc/\(process)/stat", "r") else { throw Failure("\(name) has ended") }
    defer { fclose(file) }
    var line = [UInt8](repeating: 0, count: 1024)
    let count = fread(&line, 1, line.count, file)
    // Counted from behind the name, which may hold anything: user and system time are the 14th and 15th of proc(5).
    let fields = String(decoding: line[..<count], as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
      throw Failure("/proc/\(process)/stat is not understood")
    }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// Ends the program.
  public func end() {
    kill(process, SIGKILL)
    _ = wait()
  }

  /// Runs a program to its end; fails unless it ends with 0.
  public static func run(_ arguments: [String], environment: [String: String]) throws -> Result {
    let result = try Child(arguments, environment: environment).wait()
    guard result.status == 0 else {
      throw Failure("\(arguments.joined(separator: " ")) ended with \(result.status): \(result.output)")
    }
    return result
  }
}
