"""Writes annotation files of whole recordings, and of the clips that they contain."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from mmskelseg.datasets.items import Item
from mmskelseg.datasets.transforms.joining import part_of
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.segments import to_segments

# Clips have at least so many frames if their ends are cut off.
_SHORTEST = 4


def cut(video: VideoAnnotation, ends: float) -> Iterator[VideoAnnotation]:
    """Yield a clip for each segment, without a part of it at each end."""
    for start, end, _ in to_segments(video['label']):
        off = int((end - start) * ends)
        frames = slice(start + off, end - off)
        if ends == 0 or frames.stop - frames.start >= _SHORTEST:
            name = f'{video["frame_dir"]}_{start + off:05d}'
            total = {'frame_dir': name, 'total_frames': frames.stop - frames.start}
            clip = {**part_of(cast(Item, video), frames), **total}
            yield cast(VideoAnnotation, clip)


def write(
    source: Path, out: Path, train: Sequence[str], test: Sequence[str], ends: float = 0
) -> None:
    """Write the files of a protocol, with the same test recordings."""
    data = load_annotations(source)
    videos = {video['frame_dir']: video for video in data['annotations']}
    whole = [videos[name] for name in train]
    kinds = {'whole': whole, 'clips': [clip for v in whole for clip in cut(v, ends)]}
    for kind, own in kinds.items():
        names = [video['frame_dir'] for video in own]
        data['annotations'] = [*own, *(videos[name] for name in test)]
        data['split'] = {'train': names, 'test': list(test)}
        (out / kind).mkdir(parents=True, exist_ok=True)
        save_annotations(data, out / kind / 'annotations.pkl')


def main() -> None:
    """Write the files of all protocols."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('data', type=Path)
    parser.add_argument('out', type=Path)
    job = parser.parse_args()
    names = ('precog', 'utkinect', 'uwiom', 'rats')
    precog, utkinect, uwiom, rats = (job.data / n / 'annotations.pkl' for n in names)
    for name, source in (('uwiom', uwiom), ('rats', rats)):
        split = load_annotations(source)['split']
        write(source, job.out / name, split['fold1/train'], split['fold1/test'])
    split = load_annotations(precog)['split']
    known = split['fold1/train']
    people = sorted({name[5:] for name in known})
    sides = [[n for n in known if n[3] in seqs] for seqs in ('2356', '14')]
    for name, count, ends in (('orders_dev', 6, 0.0), ('ends_dev', 3, 0.25)):
        train = [n for n in sides[0] if n[5:] in people[:count]]
        test = [n for n in sides[1] if n[5:] not in people[:count]]
        write(precog, job.out / name, train, test, ends)
    train, test = (split[f'unseen_order_1/{part}'] for part in ('train', 'test'))
    write(precog, job.out / 'orders', train, test)
    split = load_annotations(utkinect)['split']
    train, test = (split[f'fold2/{part}'] for part in ('train', 'test'))
    write(utkinect, job.out / 'utkinect', train, test)
    people = sorted({name[:3] for name in train})
    held = [n for n in train if n[:3] in people[3:]]
    train = [n for n in train if n[:3] in people[:3]]
    write(utkinect, job.out / 'utkinect_dev', train, held)
    known = sorted(load_annotations(uwiom)['split']['fold1/train'])
    write(uwiom, job.out / 'tasks_dev', known[:3], known[3:], 0.2)


if __name__ == '__main__':
    main()
