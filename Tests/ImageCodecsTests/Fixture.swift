import FoundationEssentials

/// Small files of kinds that our own writers do not make, written by Pillow or byte by byte.
enum Fixture {
  /// 9x5, Adam7; pixel (x, y) is (28x, 60y, 128, 255 - 10x).
  static let interlacedPNG = decode(
    """
    iVBORw0KGgoAAAANSUhEUgAAAAkAAAAFCAYAAAHgVPb9AAAAiElEQVR42hXMoRGFMBCE4S2EQiKuDAqJPLkFUAgOcwYNFh0bdMwZdN4+t/PNPwuA
    s4MHKtiA5KzJ1lNSwLGDF0pqpAacszhHdbbdeXVXtoDfCr4b+NzgicUFLnCB/yEFKUhBCmCci/ErxrEa32psm/HZjddtPLvpF6EoFIWiUBSKQlEo
    CkXB4wcTHWUUpl0KiwAAAABJRU5ErkJggg==
    """)

  /// 4x2, gray of 16 bits: pixel n is 8192n.
  static let gray16PNG = decode(
    """
    iVBORw0KGgoAAAANSUhEUgAAAAQAAAACEAAAAAAKU/78AAAAFElEQVR4nGNkYFBgUGBQYGBsgDIACo0BQ0yDgyMAAAAASUVORK5CYII=
    """)

  /// 4x2, red, green of alpha 128, blue of alpha 0, dark gray; then the same backwards.
  static let palettePNG = decode(
    """
    iVBORw0KGgoAAAANSUhEUgAAAAQAAAACAgMAAAACxpXwAAAADFBMVEX/AAAA/wAAAP8JCQlccX6GAAAABHRSTlP/gAD/oaGUZgAAAAxJREFUeJxj
    kGZ4AgABOQEARWSRmwAAAABJRU5ErkJggg==
    """)

  /// 16x16, all of gray 77.
  static let grayJPEG = decode(
    """
    /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgy
    PC4zNDL/wAALCAAQABABAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEG
    E1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJ
    ipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/AOMooor/2Q==
    """)

  /// 8x8, four colours.
  static let cmykJPEG = decode(
    """
    /9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAIBgYHBgUIBwcHCQkICgwUDQwLCwwZEhMPFB0aHx4dGhwcICQuJyAiLCMcHCg3KSwwMTQ0NB8nOT04Mjwu
    MzQy/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAE
    EQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6
    g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkA
    SwAAPwD3Wva69hr1ev/Z
    """)

  /// 8x8, two frames.
  static let animatedWebP = decode(
    """
    UklGRsQAAABXRUJQVlA4WAoAAAACAAAABwAABwAAQU5JTQYAAAAAAAAAAABBTk1GSgAAAAAAAAAAAAcAAAcAAAAAAAJWUDggMgAAADABAJ0BKggA
    CAABQCYloAADcAD+8ut///mwP/bz/wR6Af//0uD//pcH//S4P/SkAAAAQU5NRkYAAAAAAAAAAAAHAAAHAAAAAAAAVlA4IC4AAAA0AQCdASoIAAgA
    AAAmJaAAA3AA/vtV4///S4P/+lwf/9Lg/9Lg//rV5Vesq6AA
    """)

  private static func decode(_ text: String) -> [UInt8] {
    [UInt8](Data(base64Encoded: text, options: .ignoreUnknownCharacters) ?? Data())
  }
}
