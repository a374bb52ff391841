import CAWSKit

/// An XML answer as a flat tree: elements and the text of leaves, nothing else.
///
/// Attributes, comments and namespaces' prefixes are left out: no answer that this library reads has a meaning in
/// them. A DOCTYPE is refused, entities are not expanded, nothing is fetched, and size, depth and number of elements
/// are bounded.
final class XMLDocument: Sendable {
  /// What a document may be at most.
  struct Limits: Sendable {
    /// Bytes of the document.
    var bytes: UInt32 = 64 << 20
    /// Elements.
    var elements: UInt32 = 1 << 20
    /// Elements within elements, at most 128.
    var depth: UInt32 = 64
  }

  /// Owned here and never written to after `init`; freed in `deinit`.
  private nonisolated(unsafe) let storage: cawskit_xml_document

  /// Reads a whole document.
  init(_ bytes: some Collection<UInt8>, limits: Limits = Limits()) throws(AWSError) {
    var document = cawskit_xml_document()
    let bounds = cawskit_xml_limits(bytes: limits.bytes, nodes: limits.elements, depth: limits.depth)
    let result =
      bytes.withContiguousStorageIfAvailable { cawskit_xml_parse($0.baseAddress, $0.count, bounds, &document) }
      ?? Array(bytes).withUnsafeBufferPointer { cawskit_xml_parse($0.baseAddress, $0.count, bounds, &document) }
    storage = document
    guard result.status == CAWSKIT_XML_OK else {
      let reason =
        switch result.status {
        case CAWSKIT_XML_DOCTYPE: "it has a DOCTYPE or an entity"
        case CAWSKIT_XML_TOO_DEEP: "it is nested deeper than \(limits.depth)"
        case CAWSKIT_XML_TOO_LARGE: "it is larger than \(limits.bytes) bytes or \(limits.elements) elements"
        case CAWSKIT_XML_NO_MEMORY: "there is no memory for it"
        default: "libxml2's error \(result.code) in line \(result.line)"
        }
      throw AWSError(.malformedAnswer, "reading \(bytes.count) bytes of XML: \(reason)")
    }
  }

  deinit {
    var storage = storage
    cawskit_xml_free(&storage)
  }

  /// The outermost element.
  var root: XMLElement { XMLElement(document: self, index: 0) }

  fileprivate func node(_ index: UInt32) -> cawskit_xml_node { storage.nodes[Int(index)] }

  fileprivate func text(_ offset: UInt32, _ length: UInt32) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: storage.text + Int(offset), count: Int(length))
  }
}

/// One element of a document, which it keeps alive.
struct XMLElement: Sendable {
  fileprivate let document: XMLDocument
  fileprivate let index: UInt32

  /// The name without a prefix.
  var name: String {
    let node = document.node(index)
    return String(decoding: document.text(node.name_offset, node.name_length), as: UTF8.self)
  }

  /// Whether the element is called so.
  func isNamed(_ name: StaticString) -> Bool {
    let node = document.node(index)
    guard Int(node.name_length) == name.utf8CodeUnitCount else { return false }
    return name.withUTF8Buffer { $0.elementsEqual(document.text(node.name_offset, node.name_length)) }
  }

  /// Whether the element is called by both names, one behind the other.
  func isNamed(_ start: String, then end: StaticString) -> Bool {
    let node = document.node(index)
    let name = document.text(node.name_offset, node.name_length)
    let count = start.utf8.count
    guard name.count == count + end.utf8CodeUnitCount else { return false }
    return name[..<count].elementsEqual(start.utf8)
      && end.withUTF8Buffer { $0.elementsEqual(name[count...]) }
  }

  /// The text of a leaf, empty for an element with children.
  var text: String { withText { String(decoding: $0, as: UTF8.self) } }

  /// Gives the bytes of the text to a closure.
  func withText<T>(_ body: (UnsafeBufferPointer<UInt8>) -> T) -> T {
    let node = document.node(index)
    return withExtendedLifetime(document) { body(document.text(node.text_offset, node.text_length)) }
  }

  /// All child elements in their order.
  var children: Children { Children(document: document, following: document.node(index).first_child) }

  /// The first child of a name.
  subscript(name: StaticString) -> XMLElement? {
    for child in children where child.isNamed(name) { return child }
    return nil
  }

  /// The children of an element, lazily.
  struct Children: Sequence, IteratorProtocol {
    fileprivate let document: XMLDocument
    fileprivate var following: UInt32

    mutating func next() -> XMLElement? {
      guard following != 0 else { return nil }
      let element = XMLElement(document: document, index: following)
      following = document.node(following).next_sibling
      return element
    }
  }
}
