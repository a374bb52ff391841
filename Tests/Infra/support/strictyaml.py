"""YAML that has every key once."""

import yaml


class DuplicateKey(Exception):
    pass


class StrictLoader(yaml.SafeLoader):
    pass


def _mapping(loader, node, deep=False):
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise DuplicateKey(f"{key!r} stands twice, near line {node.start_mark.line + 1}")
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(text):
    return yaml.load(text, StrictLoader)


def load_all(text):
    return [document for document in yaml.load_all(text, StrictLoader) if document is not None]
