import Yams

/// What a template's text says, as far as plans show it.
struct TemplateText {
  /// The number of its resources.
  let resources: Int

  init(_ text: String) { resources = (try? compose(yaml: text))??["Resources"]?.mapping?.count ?? 0 }
}
