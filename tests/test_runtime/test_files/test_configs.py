"""Configs by path or by name."""

from pathlib import Path

import pytest

from mmskelseg.runtime.files.configs import find_config
from mmskelseg.runtime.messages.errors import MissingFileError, UserError


def test_config_is_found_by_path_and_name(tmp_path, monkeypatch):
    """From any folder."""
    monkeypatch.chdir(tmp_path)
    path = find_config('skelseg/toy_joint_limb')
    assert path.name == 'toy_joint_limb.py'
    assert find_config(path) == path
    for name in ('toy_joint_limb', 'configs/skelseg/toy_joint_limb.py'):
        assert find_config(name).samefile(path)
    with pytest.raises(MissingFileError, match='did you mean skelseg/toy_joint_limb'):
        find_config('skelseg/toy_joint_lim')
    with pytest.raises(UserError, match=r'ms_gcn/uwiom_pose3d, ms_tcn2.*its folder'):
        find_config(Path('uwiom_pose3d'))
