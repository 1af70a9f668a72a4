"""Configs by path or by name."""

from pathlib import Path

from mmskelseg.config_files import find_config
from mmskelseg_io.messages.errors import MissingFileError, UserError
from tests.errors import raises_naming


def test_config_is_found_by_path_and_name(tmp_path, monkeypatch):
    """From any folder."""
    monkeypatch.chdir(tmp_path)
    path = find_config('skelseg/toy_joint_limb')
    assert path.name == 'toy_joint_limb.py'
    assert find_config(path) == path
    for name in ('toy_joint_limb', 'configs/skelseg/toy_joint_limb.py'):
        assert find_config(name).samefile(path)
    with raises_naming(MissingFileError, 'skelseg/toy_joint_lim: ', '/toy_joint_limb '):
        find_config('skelseg/toy_joint_lim')
    with raises_naming(UserError, 'uwiom_pose3d: ', 'ms_gcn/uwiom_pose3d, ms_tcn2/'):
        find_config(Path('uwiom_pose3d'))


def test_file_that_is_no_config_is_told_from_a_missing_one(tmp_path):
    (tmp_path / 'take1.csv').touch()
    for path in (tmp_path, tmp_path / 'take1.csv'):
        with raises_naming(MissingFileError, f'{path}: ', f'mmskelseg doctor {path}'):
            find_config(path)
