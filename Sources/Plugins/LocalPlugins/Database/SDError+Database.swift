import GRDB
import SDCore

extension SDError {
  /// What a failure of the database means to the caller; errors that are the contract's own pass through.
  ///
  /// - Parameter attempt: what was attempted on which file.
  init(database error: any Error, _ attempt: String, file: String = #fileID, line: Int = #line) {
    if let error = error as? SDError {
      self = error
      return
    }
    guard let error = error as? DatabaseError else {
      self.init(.internal, attempt, underlying: error, file: file, line: line)
      return
    }
    let (code, hint): (Code, String) =
      switch error.resultCode {
      case .SQLITE_FULL: (.full, "no space left")
      case .SQLITE_CORRUPT, .SQLITE_NOTADB: (.corrupt, "the database is damaged")
      case .SQLITE_BUSY, .SQLITE_LOCKED: (.unavailable, "another process holds the database for too long")
      case .SQLITE_IOERR: (.unavailable, "the disk fails")
      case .SQLITE_CANTOPEN: (.unavailable, "it cannot be opened")
      case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH: (.denied, "it may not be written")
      case .SQLITE_TOOBIG: (.tooLarge, "too large for the database")
      case .SQLITE_NOMEM: (.unavailable, "no memory left")
      default: (.internal, "the database refused")
      }
    // The statement's text is ours and holds no values; the values are not part of a GRDB error unless asked for.
    self.init(code, "\(attempt): \(hint)", underlying: error, file: file, line: line)
  }
}

extension DatabaseError {
  /// Whether the disk refused the write: the rest of its group may yet go through, one by one.
  var isWriteFailure: Bool {
    switch resultCode {
    case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_NOMEM: true
    default: false
    }
  }

  /// Whether another connection holds the database for too long.
  var isBusy: Bool { resultCode == .SQLITE_BUSY || resultCode == .SQLITE_LOCKED }
}
