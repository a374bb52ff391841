"""Tasks as the doors of the two earlier systems publish them."""

from .webui import MODEL


def reference_task(deployment, task="307", **changes):
    """v1alpha1 as the reference's door publishes it."""
    return {"alwayson_scripts": {"task": "text-to-image", "sd_model_checkpoint": MODEL, "id_task": task},
            "prompt": "a cat", "steps": 16, "width": 512, "height": 512, "seed": 7,
            "s3_output_path": f"{deployment.bucket}/{task}"} | changes


def successor_task(task="t2i", kind="text-to-image", context=None, **content):
    """v1alpha2 as the successor's door publishes it."""
    return {"metadata": {"id": task, "runtime": "sdruntime", "tasktype": kind, "prefix": "output", "context": context or {}},
            "content": {"alwayson_scripts": {}, "prompt": "a cat", "steps": 16, "seed": 7} | content}
