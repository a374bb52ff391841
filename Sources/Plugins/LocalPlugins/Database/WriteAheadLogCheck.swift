import Glibc
import SDCore

/// What is found in a write-ahead log before SQLite reads it (SQLite "WAL-mode File Format").
///
/// SQLite takes the log up to the first frame whose checksum is wrong and forgets the rest without a word. A process
/// that dies while it commits leaves such a frame as the last one, and no finished commit behind it; where there is one
/// the log is damaged, and what is forgotten is somebody's messages. (Damage to the very last commit cannot be told from
/// a death.)
struct WriteAheadLogCheck {
  /// Commits of this log that stand behind a wrong frame, and so would be forgotten.
  private(set) var lostCommits = 0
  /// Whether the header itself is wrong, so that all of it would be forgotten.
  private(set) var headerIsWrong = false

  /// Whether something would be forgotten.
  var isDamaged: Bool { headerIsWrong || lostCommits > 0 }

  /// Looks through a log.
  init(_ file: Descriptor) throws(SDError) {
    let size = try file.status().size
    guard size > 32 else { return }
    let header = try file.read(at: 0, count: 32)
    let magic = header.bigEndian(0)
    let pageSize = Int(header.bigEndian(8))
    var sum = Checksum(isBigEndian: magic & 1 == 1)
    sum.add(header[0..<24])
    guard magic & ~1 == 0x377F_0682, pageSize >= 512, pageSize <= 65536, pageSize & (pageSize - 1) == 0,
      sum.matches(header, at: 24)
    else {
      // A log of zeros is one that was made and never written.
      headerIsWrong = header.contains { $0 != 0 }
      return
    }
    let (salt, frameSize) = (header[16..<24], Int64(24 + pageSize))
    var offset: Int64 = 32
    var isWhole = true
    while offset + frameSize <= size {
      let head = try file.read(at: offset, count: 24)
      guard head.count == 24 else { break }
      // Frames of an earlier round of the log have another salt and lie behind the last of this one. One before it is
      // damaged.
      if !head[8..<16].elementsEqual(salt) {
        isWhole = false
      } else if isWhole {
        let page = try file.read(at: offset + 24, count: pageSize)
        guard page.count == pageSize else { break }
        sum.add(head[0..<8])
        sum.add(page[...])
        isWhole = sum.matches(head, at: 16)
      } else if head.bigEndian(4) != 0 {
        lostCommits += 1
      }
      offset += frameSize
    }
  }

  private struct Checksum {
    var isBigEndian: Bool
    private var (first, second): (UInt32, UInt32) = (0, 0)

    init(isBigEndian: Bool) { self.isBigEndian = isBigEndian }

    mutating func add(_ bytes: ArraySlice<UInt8>) {
      var (a, b) = (first, second)
      bytes.withUnsafeBytes { buffer in
        for position in stride(from: 0, to: buffer.count - 7, by: 8) {
          let x = buffer.loadUnaligned(fromByteOffset: position, as: UInt32.self)
          let y = buffer.loadUnaligned(fromByteOffset: position + 4, as: UInt32.self)
          a = a &+ (isBigEndian ? UInt32(bigEndian: x) : UInt32(littleEndian: x)) &+ b
          b = b &+ (isBigEndian ? UInt32(bigEndian: y) : UInt32(littleEndian: y)) &+ a
        }
      }
      (first, second) = (a, b)
    }

    func matches(_ bytes: [UInt8], at offset: Int) -> Bool {
      bytes.bigEndian(offset) == first && bytes.bigEndian(offset + 4) == second
    }
  }
}

extension [UInt8] {
  /// Four bytes from an offset as a number, most significant first.
  fileprivate func bigEndian(_ offset: Int) -> UInt32 {
    guard offset + 4 <= count else { return 0 }
    return self[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }
}
