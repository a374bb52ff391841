"""Kubernetes' own schemas, each read once."""

import functools

import kubernetes_validate
from kubernetes_validate import utils

utils.schema_contents = functools.cache(utils.schema_contents)

Refused = kubernetes_validate.ValidationError


def validate(document, version):
    """Takes what an API server of a version takes under strict validation; throws for anything else."""
    kubernetes_validate.validate(document, version, strict=True)
