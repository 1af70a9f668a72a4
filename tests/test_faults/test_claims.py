"""Small files that claim huge sizes or would never be read to the end."""

import base64
import io
import json
import os
import pickle
import re
import tarfile
import zipfile
import zlib

import h5py
import numpy as np
import onnx
import pytest
import torch

from mmskelseg.checkpoints.reading import load_checkpoint
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.arrays import read_npy, read_npz
from mmskelseg_io.files.pickles import load_pickle
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.poses import read_poses
from tests.errors import raises_naming
from tests.oracle import CANARY, Call, judge
from tests.test_faults.formats import FORMATS
from tests.test_faults.torch_layouts import zipped

OPENPOSE = {'people': [{'pose_keypoints_2d': [100.0] * 75}]}


def laughs(kind, depth=60):
    """Return a nested value that holds the level below twice."""
    value = kind(['a'])
    for _ in range(depth):
        value = kind([value, value])
    return value


# Of a tuple, whose hash takes 2 ** 60 steps; not made by Python, which would hash it.
LAUGHS = pickle.dumps(laughs(tuple), 2)[2:-1]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (pickle.dumps(Call(set, range(10**11))), 'would run `builtins.range`'),
        (pickle.dumps(Call(bytearray, 10**11)), 'would make a bytearray of'),
        (pickle.dumps(Call(bytes, 10**11)), 'would make a bytes of'),
        (b'\x80\x05\x96' + (10**12).to_bytes(8, 'little') + b'.', 'ends or cannot'),
        (b'\x80\x04\x8e' + (10**12).to_bytes(8, 'little') + b'.', 'ends or cannot'),
        (b'\x80\x04\x95' + (10**12).to_bytes(8, 'little') + b'.', 'ends or cannot'),
        (b'\x80\x04}' + LAUGHS + b'K\x01s.', 'has a tuple as a key'),
        (b'\x80\x04}(' + LAUGHS + b'K\x01u.', 'has a tuple as a key'),
        (b'\x80\x04(' + LAUGHS + b'K\x01d.', 'has a tuple as a key'),
        (b'\x80\x04\x8f(' + LAUGHS + b'\x90.', 'has a tuple as a key'),
        (b'\x80\x04(' + LAUGHS + b'\x91.', 'has a tuple as a key'),
        (pickle.dumps(Call(set, [laughs(tuple)])), 'has a tuple as a key'),
        (pickle.dumps(Call(np.dtype, 'S999999999', False, True)), 'items of 9999'),
        (b'9' * 6000, 'ends or cannot be read'),
    ],
)
def test_pickle_that_claims_too_much_is_refused(tmp_path, content, message):
    path = tmp_path / 'annotations.pkl'
    path.write_bytes(content)
    assert message in str(judge(load_pickle, path))


@pytest.mark.parametrize('key', ['split', 'annotations', 'metainfo'])
def test_lists_within_lists_are_not_printed_for_ever(tmp_path, key):
    data = {'split': {}, 'annotations': [{}], 'metainfo': {}}
    path = tmp_path / 'annotations.pkl'
    path.write_bytes(pickle.dumps({**data, key: laughs(list)}))
    assert isinstance(judge(load_annotations, path), UserError)


def test_archive_of_zeros_is_refused_before_it_is_unpacked(tmp_path):
    """Five GiB in five MB."""
    path = tmp_path / 'take1.npz'
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {'descr': '<f4', 'fortran_order': False, 'shape': (5 << 28,)}
    )
    content, total = bytes(1 << 20), 5 << 30
    with (
        zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive,
        archive.open('keypoint.npy', 'w', force_zip64=True) as file,
    ):
        file.write(head.getvalue())
        for _ in range(64):
            file.write(content)
    # What the archive says of its size, without the time to make it.
    raw = path.read_bytes()
    there = archive.infolist()[0].file_size
    forged = raw.replace(there.to_bytes(4, 'little'), (2**32 - 9).to_bytes(4, 'little'))
    path.write_bytes(forged)
    assert total > there
    message = str(judge(read_npz, path))
    assert 'would take 4.0 GiB of memory' in message
    assert 'a file may take 256 MiB, or 50 times' in message


def test_array_larger_than_its_file_is_refused(tmp_path):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {'descr': '<f4', 'fortran_order': False, 'shape': (10**12,)}
    )
    path = tmp_path / 'a.npy'
    path.write_bytes(head.getvalue() + bytes(64))
    assert 'a.npy: something in it is missing' in str(judge(read_npy, path))
    archive = tmp_path / 'a.npz'
    with zipfile.ZipFile(archive, 'w') as file:
        file.write(path, 'keypoint.npy')
    assert 'claims the shape (1000000000000,)' in str(judge(read_npz, archive))


def test_hdf5_that_claims_too_much_is_refused(tmp_path):
    """An unwritten data set of terabytes takes a few bytes."""
    path = tmp_path / 'take1.analysis.h5'
    with h5py.File(path, 'w') as file:
        shape = (1, 2, 17, 10**10)
        file.create_dataset('tracks', shape, 'f4', chunks=(1, 2, 17, 100))
        file['node_names'] = np.array([f'n{i}' for i in range(17)], 'S')
    message = str(judge(read_poses, path))
    assert 'would take 4.95 TiB of memory' in message


def analysis(path, **changes):
    """Write an analysis file of SLEAP with other data sets: shape and options."""
    with h5py.File(path, 'w') as file:
        file['tracks'] = np.ones((1, 2, 2, 3))
        file['node_names'] = np.array(['nose', 'tail'], 'S')
        for name, (shape, options) in changes.items():
            if name in file:
                del file[name]
            file.create_dataset(name, shape, **options)
    return path


def test_texts_of_hdf5_that_share_their_bytes_are_refused(tmp_path):
    """3 MB would take 9 GB."""
    path = analysis(
        tmp_path / 'take1.analysis.h5',
        node_names=((3000,), {'dtype': h5py.string_dtype()}),
    )
    with h5py.File(path, 'a') as file:
        file['node_names'][:] = ['a' * (3 << 20)] + ['b'] * 2999
    with h5py.File(path) as file:
        begin = file['node_names'].id.get_offset()
    content = bytearray(path.read_bytes())
    # The place of a text in the file takes 16 bytes.
    content[begin : begin + 48000] = content[begin : begin + 16] * 3000
    path.write_bytes(content)
    assert re.search(r'would take \d+.* MiB of memory', str(judge(read_poses, path)))


@pytest.mark.parametrize(('name', 'shape', 'options', 'match'), [
    ('tracks', (1, 2, 2, 10**8), {'dtype': 'i1', 'chunks': True}, 'would take 6.0 GiB'),
    ('tracks', (1, 2, 2, 3), {
        'dtype': 'f4', 'chunks': (1, 2, 2, 1 << 27), 'maxshape': (1, 2, 2, None)
    }, 'would take 2.0 GiB'),
    ('node_names', (10**8,), {'dtype': 'S1', 'chunks': True}, '(100000000,)'),
    ('track_names', (10**8,), {'dtype': 'S1', 'chunks': True}, '(100000000,)'),
    ('edge_inds', (10**7, 2), {'dtype': 'i1', 'chunks': True}, '(10000000, 2)'),
])  # fmt: skip
def test_unwritten_parts_of_hdf5_are_refused(tmp_path, name, shape, options, match):
    """They take no bytes of the file, but memory."""
    path = analysis(tmp_path / 'take1.analysis.h5', **{name: (shape, options)})
    assert match in str(judge(read_poses, path))


@pytest.mark.parametrize('name', ['node_names', 'track_names', 'edge_inds', 'tracks'])
@pytest.mark.parametrize('kind', ['reference', 'array', 'compound', 'opaque'])
def test_types_that_no_tool_writes_are_refused(tmp_path, name, kind):
    inner = np.dtype([('a', 'f8'), ('b', [('c', 'f8', (3,))])])
    types = {
        'reference': h5py.ref_dtype, 'array': h5py.vlen_dtype(np.int64),
        'compound': inner, 'opaque': np.dtype('V8'),
    }  # fmt: skip
    options = {'dtype': types[kind]}
    path = analysis(tmp_path / 'take1.analysis.h5', **{name: ((2,), options)})
    assert name in str(judge(read_poses, path))


@pytest.mark.parametrize('value', [np.arange(10), np.array(['a', 'b'], 'S')])
def test_attribute_of_many_values_is_refused(tmp_path, value):
    path = analysis(tmp_path / 'take1.analysis.h5')
    with h5py.File(path, 'a') as file:
        file['tracks'].attrs['dims'] = value
    assert 'the attribute dims of /tracks is an array' in str(judge(read_poses, path))


@pytest.mark.parametrize(('name', 'size', 'width'), [
    ('axis1', 10**8, 0), ('block0_items_label1', 10**8, 0), ('block0_values', 10**8, 2)
])  # fmt: skip
def test_table_of_pandas_that_claims_too_much_is_refused(copied, name, size, width):
    path = copied('poses/deeplabcut fixed')
    with h5py.File(path, 'a') as file:
        (group,) = file.values()
        del group[name]
        shape = (size, width) if width else (size,)
        group.create_dataset(name, shape, 'i1', chunks=True)
    message = str(judge(read_poses, path))
    assert f'with shape ({size},)' in message or 'would take' in message


@pytest.mark.parametrize('kind', [10**11, 'text', 1.5])
def test_names_of_columns_that_are_no_pickle_are_refused(copied, kind):
    """`bytes` of a number are that many zeros."""
    path = copied('poses/deeplabcut table')
    with h5py.File(path, 'a') as file:
        (group,) = file.values()
        group['table'].attrs['values_block_0_kind'] = kind
    told = str(judge(read_poses, path))
    assert told.startswith(f'{path}: ')


def test_hdf5_does_not_read_other_files(tmp_path):
    other, path = tmp_path / 'other.h5', tmp_path / 'take1.analysis.h5'
    with h5py.File(other, 'w') as file:
        file['tracks'] = np.ones((1, 2, 1, 3))
    with h5py.File(path, 'w') as file:
        file['tracks'] = h5py.ExternalLink('other.h5', '/tracks')
        file['node_names'] = np.array(['nose'], 'S')
    assert 'lies in another file' in str(judge(read_poses, path))


def test_compressed_checkpoint_is_refused(tmp_path):
    """torch.save never compresses; compression would hide the size."""
    stream = io.BytesIO()
    torch.save({'a': torch.zeros(1 << 22)}, stream)
    path = tmp_path / 'epoch_1.pth'
    with (
        zipfile.ZipFile(stream) as plain,
        zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as packed,
    ):
        for item in plain.namelist():
            packed.writestr(item, plain.read(item))
    assert 'it would unpack to 16.0 MiB' in str(judge(load_checkpoint, path))


def test_tensor_that_repeats_a_value_for_ever_is_refused(tmp_path):
    """Copying it would take a terabyte."""
    path = tmp_path / 'epoch_1.pth'
    torch.save({'a': torch.zeros(1).expand(10**6, 10**6)}, path)
    message = str(judge(load_checkpoint, path))
    assert 'a tensor of the shape (1000000, 1000000) on 4 bytes' in message


def test_small_tensor_that_repeats_a_value_is_read(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    torch.save({'a': torch.ones(1).expand(30, 40)}, path)
    torch.testing.assert_close(load_checkpoint(path)['a'], torch.ones(30, 40))


def test_zeros_are_no_tar_archive(tmp_path):
    """Crashes leave files of zeros."""
    path = tmp_path / 'epoch_1.pth'
    path.write_bytes(bytes(20480))
    assert 'begins with nothing but zeros' in str(judge(load_checkpoint, path))


def test_frame_numbers_of_openpose_are_not_counted_through(tmp_path):
    folder = tmp_path / 'take1'
    folder.mkdir()
    for number in (0, 999999999999):
        file = folder / f'take1_{number:012d}_keypoints.json'
        file.write_text(json.dumps(OPENPOSE))
    message = str(judge(read_poses, folder))
    assert 'no file of frame 1, the first of 999999999998 missing' in message


@pytest.mark.parametrize(
    ('frames', 'people', 'message'),
    [
        ([0, 10**12], 1, '2 people in frames up to 1000000000000'),
        (range(40), 600, '600 people in one frame, but at most 500 can be read'),
    ],
)
def test_results_of_coco_are_bounded(tmp_path, frames, people, message):
    entries = [
        {'image_id': frame, 'category_id': 1, 'keypoints': [9.0] * 51}
        for frame in frames
        for _ in range(people)
    ]
    path = tmp_path / 'take1.json'
    path.write_text(json.dumps(entries))
    assert message in str(judge(read_poses, path))


def test_tracks_of_one_frame_each_are_bounded(tmp_path):
    """The array of tracks and frames would be nearly empty."""
    entries = [
        {'image_id': t, 'category_id': 1, 'keypoints': [9.0] * 51, 'track_id': t}
        for t in range(3000)
    ]
    path = tmp_path / 'take1.json'
    path.write_text(json.dumps(entries))
    message = str(judge(read_poses, path))
    assert 'would take 1.7 GiB; above 256.0 MiB each must be seen' in message


def test_long_name_of_a_joint_is_refused(tmp_path):
    """Finding sides takes quadratic time."""
    path = tmp_path / 'take1.csv'
    name = 'l' * 90_000
    path.write_text(f'frame,{name}_x,{name}_y\n0,1,2\n1,2,3\n')
    assert 'up to 200 characters' in str(judge(read_poses, path))


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='a system without pipes')
@pytest.mark.parametrize(
    ('read', 'suffix'),
    [
        *(
            (read, '.bin')
            for read in (load_pickle, load_checkpoint, read_npy, read_npz)
        ),
        *((read_poses, suffix) for suffix in ('.json', '.csv', '.npz', '.h5')),
    ],
)
def test_pipe_is_refused_instead_of_waited_for(tmp_path, read, suffix):
    path = tmp_path / f'take1{suffix}'
    os.mkfifo(path)
    assert f'take1{suffix}: is a pipe or a device' in str(judge(read, path))


def test_sparse_text_is_refused_by_its_size(tmp_path):
    path = tmp_path / 'take1.csv'
    with path.open('wb') as file:
        file.truncate(10**11)
    assert 'has 100000000000 bytes, but texts may have up to' in str(
        judge(read_poses, path)
    )


def test_annotations_that_were_compressed_are_named(tmp_path):
    path = tmp_path / 'annotations.pkl'
    path.write_bytes(zlib.compress(pickle.dumps({})))
    assert 'a pickle was expected' in str(judge(load_annotations, path))


def test_exported_model_names_no_layout_by_its_path(copied, tmp_path):
    """A layout may be a config file, which is a program."""
    path = copied('exported model')
    layout = tmp_path / 'layout.py'
    layout.write_text(f'open({str(CANARY)!r}, "w")\ndataset_info = dict()\n')
    model = onnx.load(path)
    (ours,) = [item for item in model.metadata_props if item.key == 'mmskelseg']
    content = json.loads(ours.value)
    content['branches']['heatmap']['render']['skeleton'] = str(layout)
    ours.value = json.dumps(content)
    onnx.save(model, path)
    told = str(judge(FORMATS['exported model'].read, path))
    assert 'neither the name of a layout nor a dict of one' in told


def test_images_that_are_not_all_encoded_are_refused(copied):
    """The rest would be uninitialised memory."""
    path = copied('exported model')
    model = onnx.load(path)
    (entry,) = (e for e in model.metadata_props if e.key == 'mmskelseg.heatmap')
    encoder = onnx.load_from_string(base64.b64decode(entry.value))
    for node in encoder.graph.node:
        for i, name in enumerate(node.output):
            node.output[i] = 'hidden' if name == 'encoded_heatmap' else name
    mean = onnx.helper.make_node(
        'ReduceMean', ['hidden'], ['encoded_heatmap'], axes=[0], keepdims=1
    )
    encoder.graph.node.append(mean)
    entry.value = base64.b64encode(encoder.SerializeToString()).decode()
    onnx.save(model, path)
    told = str(judge(FORMATS['exported model'].read, path))
    assert 'outputs encoded_heatmap of shape (1, 196), but (12, any)' in told


def test_storages_that_claim_more_than_the_file_are_refused(tmp_path):
    """torch would allocate the claimed size."""
    path = tmp_path / 'old.pth'
    torch.save({'x': torch.zeros(3)}, path, _use_new_zipfile_serialization=False)
    claim, count = re.subn(
        rb'(cpuq.)K\x03',
        lambda found: found[1] + b'J\xff\xff\xff\x7f',
        path.read_bytes(),
        flags=re.DOTALL,
    )
    assert count == 1
    path.write_bytes(claim)
    with raises_naming(UserError, path):
        load_checkpoint(path)


def test_calls_that_copy_a_text_again_and_again_are_refused(tmp_path):
    path = tmp_path / 'a.pkl'
    copy = b'c__builtin__\nbytearray\nh\x00\x85R'
    content = b'\x80\x03]B\x00\x00\x10\x00' + b'x' * (1 << 20) + b'q\x000'
    path.write_bytes(content + 400 * (copy + b'0') + b'.')
    with raises_naming(UserError, path, 'memory'):
        load_pickle(path)


def test_slices_and_objects_are_not_printed_for_ever():
    deep = laughs(list)
    assert len(shown(slice(deep, None))) <= 60
    objects = np.empty(1, object)
    objects[0] = deep
    assert shown(objects) == 'an array of object with shape (1,)'


def test_storage_whose_key_is_no_text_is_refused(tmp_path):
    """Its hash takes 2 ** 60 steps."""
    name = b'X\x07\x00\x00\x00storagectorch\nFloatStorage\n'
    program = b'\x80\x02(' + name + LAUGHS + b'X\x03\x00\x00\x00cpuK\x01tQ.'
    path = tmp_path / 'epoch_1.pth'
    path.write_bytes(zipped(program))
    assert isinstance(judge(load_checkpoint, path), UserError)


def test_archive_with_two_directories_is_judged_by_the_one_that_is_read(tmp_path):
    """Readers disagree about which one counts."""
    path, other = tmp_path / 'epoch_1.pth', io.BytesIO()
    with zipfile.ZipFile(other, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('archive/data.pkl', pickle.dumps(bytes(1 << 24), 2))
    path.write_bytes(zipped(pickle.dumps({'a': 1}, 2)) + other.getvalue())
    assert 'it would unpack to' in str(judge(load_checkpoint, path))


def test_compressed_tar_archive_is_not_unpacked(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    with tarfile.open(path, 'w:gz') as archive:
        member = tarfile.TarInfo('storages')
        member.size = 1 << 26
        archive.addfile(member, io.BytesIO(bytes(1 << 26)))
    assert 'cannot be read as a checkpoint' in str(judge(load_checkpoint, path))
