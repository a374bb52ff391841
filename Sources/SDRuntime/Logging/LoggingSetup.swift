public import Logging
import SDCore

/// Sets the process's logging up, once.
public enum LoggingSetup {
  /// Sends what is logged to standard error, by `log-level` and `log-format`.
  ///
  /// Text on a terminal and JSON elsewhere unless configured; colours on a terminal only, and not with `NO_COLOR`.
  public static func bootstrap(
    _ configuration: Configuration, environment: [String: String], metadataProvider: Logger.MetadataProvider? = nil
  ) {
    let level = configuration.text(.logLevel).flatMap(Logger.Level.init(rawValue:)) ?? .info
    let format = format(
      configuration.text(.logFormat), isTerminal: StandardError.isTerminal, environment: environment)
    LoggingSystem.bootstrap(
      { label, provider in
        var handler = LineLogHandler(label: label, format: format, level: level)
        handler.metadataProvider = provider
        return handler
      }, metadataProvider: metadataProvider)
  }

  static func format(_ word: String?, isTerminal: Bool, environment: [String: String]) -> LineLogHandler.Format {
    guard word.map({ $0 == "text" }) ?? isTerminal else { return .json }
    let wantsColours = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    return wantsColours ? .colouredText : .text
  }
}

extension Configuration {
  /// Tells what holds, at debug, a line a key.
  public func log(to logger: Logger) {
    guard logger.logLevel <= .debug else { return }
    for (key, value, source) in effective {
      logger.debug("configured", metadata: ["key": "\(key.name)", "value": "\(value)", "source": "\(source)"])
    }
  }
}
