public import ArgumentParser

// Flags by the table of keys. Values stay text: `Configuration` judges flags, files and variables alike.

extension Option where Value == String? {
  /// The option of a key.
  init(_ key: ConfigurationKey) {
    self.init(name: .customLong(key.name), help: key.help, completion: key.completion)
  }
}

extension Flag where Value == Bool? {
  /// The switch of a key: `--key` and `--no-key`.
  init(_ key: ConfigurationKey) {
    self.init(name: .customLong(key.name), inversion: .prefixedNo, help: key.help)
  }
}

extension ConfigurationKey {
  /// What `--help` says.
  var help: ArgumentHelp {
    let standard = fallback.map { " (default: \($0))" } ?? ""
    return ArgumentHelp("\(summary)\(standard)", valueName: placeholder)
  }

  var completion: CompletionKind {
    switch kind {
    case .path: .file()
    case .choice(let words): .list(words)
    default: .default
    }
  }
}

/// Flags that stand for keys of the configuration.
public protocol ConfigurationOptions: ParsableArguments {
  /// What was said on the command line, by key.
  var flags: [ConfigurationKey: String] { get }
}

/// What was said: strings as they are, switches as `true` and `false`.
func said(_ texts: [ConfigurationKey: String?], _ switches: [ConfigurationKey: Bool?] = [:]) -> [ConfigurationKey:
  String]
{
  texts.compactMapValues(\.self).merging(switches.compactMapValues { $0.map { "\($0)" } }) { text, _ in text }
}
