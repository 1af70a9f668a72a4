"""Writes the files of a shared model; it imports PyTorch."""

import json
from pathlib import Path

from mmskelseg.commands._opening import opened
from mmskelseg.commands.share import Share
from mmskelseg.converters.checkpoints.publish_model import PublishModel
from mmskelseg.export.cards import card, facts_of
from mmskelseg.export.export import export_onnx
from mmskelseg.runtime.files.atomic import atomic_write, atomic_write_text
from mmskelseg.runtime.files.outputs import LIST, claim
from mmskelseg.runtime.files.work_folders import FITTED
from mmskelseg.runtime.jobs.events import Events
from mmskelseg.runtime.jobs.models import (
    EXPORTED,
    NamedModel,
    is_checkpoint,
    named_checkpoint,
)
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.segmenting.hub import SHARED

_CARD, _FACTS, _, _, _LIVE = SHARED


def write(job: Share, events: Events) -> Path:
    """Write the folder of a job, and return it."""
    *given, last = job.files
    out = Path(last)
    names = {path.name for path in out.iterdir()} if out.exists() else set()
    if others := names - {*SHARED, LIST}:
        raise UserError(
            f'{out}: has {min(others)}, which is not of a shared model; name a new '
            'folder.'
        )
    for name in SHARED:
        claim(out / name)
    source = Path(given[-1])
    weights = out / FITTED
    if len(given) == 1 and (source / EXPORTED).is_file():
        PublishModel(src=source / FITTED, dst=weights).run(events)
        with atomic_write(out / EXPORTED) as file:
            file.write((source / EXPORTED).read_bytes())
    else:
        config, checkpoints = opened(_named(given))
        assert checkpoints, 'since none is named as a model of the package'
        checkpoint = Path(checkpoints[0])
        source = checkpoint.parent
        PublishModel(src=checkpoint, dst=weights, config=config).run(events)
        export_onnx(config, [str(weights)], out / EXPORTED)
    if job.streaming:
        export_onnx(None, [str(weights)], out / _LIVE, streaming=True)
    stated = {'license': job.licence, 'about': job.about}
    facts = facts_of(out / EXPORTED, source) | stated
    if data := facts['data']['name']:
        events.note(
            f'The card and the models tell the name of the data, {data}; if it should '
            'be another, convert them with --name, and train again.'
        )
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    atomic_write_text(out / _FACTS, text)
    atomic_write_text(out / _CARD, card(facts, job.push or out.resolve().name))
    return out


def _named(given: list[str]) -> NamedModel:
    """Return the model that MODEL and CHECKPOINT name."""
    model, *checkpoint = given
    if checkpoint:
        return NamedModel(model, named_checkpoint(checkpoint[0]))
    if is_checkpoint(model):
        return NamedModel(None, named_checkpoint(model))
    return NamedModel(model)
