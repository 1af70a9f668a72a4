# ruff: noqa: E501 (rows are as long as printed)
"""Tables I to VI of Hyder et al. (ICRA 2024), with the rows as printed.

Each row has the config that corresponds to it, or None if there is no such model.
"""

from typing import NamedTuple


class Table(NamedTuple):
    """A table: caption, head of its rows, scores, and rows as text with their config."""

    caption: str
    head: str
    scores: dict[str, str]
    rows: tuple[tuple[str, str | None], ...]


SCORES = {'F1': 'f1@10', 'Edit': 'edit', 'mAP': 'mAP', 'Acc': 'acc'}
MISSING = {'p = 0 %': 'p0', 'p = 25 %': 'p25', 'p = 50 %': 'p50', 'p = 100 %': 'p100'}

# fmt: off
TABLES = {
    'I': Table('Impacts of different heatmaps on UW-IOM', 'Heatmap', SCORES, (
        ('Joint 89.87 ± 05.95 89.77 ± 04.86 85.07 ± 06.71 79.62 ± 06.93', 'skelseg/uwiom_joint'),
        ('Limb 93.41 ± 02.85 92.20 ± 03.92 88.63 ± 03.66 83.15 ± 03.37', 'skelseg/uwiom_limb'),
        ('Joint+Limb 93.82 ± 02.90 92.88 ± 04.13 89.82 ± 03.83 85.04 ± 03.08', 'skelseg/uwiom_joint_limb'),
    )),
    'II': Table('Impacts of different features on UW-IOM', 'Feature', SCORES, (
        ('VGG-16 91.58 ± 04.38 92.26 ± 04.91 87.20 ± 02.98 79.42 ± 04.22', 'skelseg/uwiom_joint_limb_vgg16'),
        ('ResNet-18 93.76 ± 03.23 92.79 ± 04.24 88.01 ± 04.19 84.53 ± 04.07', 'skelseg/uwiom_joint_limb_resnet18'),
        ('ResNet-50 93.82 ± 02.90 92.88 ± 04.13 89.82 ± 03.83 85.04 ± 03.08', 'skelseg/uwiom_joint_limb'),
    )),
    'III': Table('Robustness against missing keypoints on UW-IOM (F1)', 'Method, input', MISSING, (
        ('STL [10] △ 87.24 ± 01.50 86.19 ± 02.27 84.29 ± 03.71 80.25 ± 05.68', 'stl/uwiom_pose3d'),
        ('MS-GCN [4] △ 91.93 ± 04.60 90.14 ± 04.63 89.33 ± 04.83 88.05 ± 04.64', 'ms_gcn/uwiom_pose3d'),
        ('Ours ⋆ 93.82 ± 02.90 93.48 ± 02.95 93.43 ± 02.75 91.28 ± 02.65', 'skelseg/uwiom_joint_limb'),
    )),
    'IV': Table('Quantitative comparisons on UW-IOM', 'Method, input', SCORES, (
        ('MS-TCN++ [16] □ 93.36 ± 03.35 92.17 ± 04.08 87.99 ± 05.10 82.29 ± 03.89', 'ms_tcn2/uwiom_rgb'),
        ('†ST-PGN [9] △ 87.95 ± 01.54 97.86 ± 02.15 87.03 ± 02.85 -', None),
        ('†ST-PGN (Fusion) [9] △,□ 88.08 ± 01.89 80.90 ± 02.06 87.05 ± 03.47 -', None),
        ('†MTL [10] △ 92.03 ± 02.54 91.59 ± 01.23 74.45 ± 10.36 -', 'mtl/uwiom_pose3d'),
        ('†STL [10] △ 92.33 ± 00.78 92.08 ± 01.18 49.61 ± 00.17 -', 'stl/uwiom_pose3d'),
        ('MS-GCN [4] △ 91.93 ± 04.60 87.61 ± 05.87 87.52 ± 05.29 82.75 ± 05.04', 'ms_gcn/uwiom_pose3d'),
        ('Ours ⋆ 93.82 ± 02.90 92.88 ± 04.13 89.82 ± 03.83 85.04 ± 03.08', 'skelseg/uwiom_joint_limb'),
        ('Ours (Fusion) ⋆,□ 94.54 ± 02.75 93.25 ± 03.81 90.12 ± 03.65 85.84 ± 03.27', 'skelseg/uwiom_fusion'),
    )),
    'V': Table('Quantitative comparisons on TUM-Kitchen', 'Method, input', SCORES, (
        ('MS-TCN++ [16] □ 81.75 ± 04.04 84.76 ± 02.90 56.44 ± 02.63 69.28 ± 03.98', 'ms_tcn2/tum_kitchen_rgb'),
        ('STL [10] □ 78.81 ± 08.42 81.50 ± 07.57 46.24 ± 17.42 59.77 ± 15.76', 'stl/tum_kitchen_pose3d'),
        ('MS-GCN [4] △ 76.30 ± 04.23 80.14 ± 03.36 57.20 ± 02.59 69.38 ± 03.70', 'ms_gcn/tum_kitchen_pose3d'),
        ('Ours ⋆ 81.96 ± 03.72 85.14 ± 03.01 58.81 ± 03.95 71.55 ± 04.75', 'skelseg/tum_kitchen_joint_limb'),
        ('Ours (Fusion) ⋆,□ 81.38 ± 02.86 85.33 ± 02.16 61.40 ± 01.93 72.89 ± 03.77', 'skelseg/tum_kitchen_fusion'),
    )),
    'VI': Table('Quantitative comparisons on Desktop Assembly', 'Method, input', SCORES, (
        ('MS-TCN++ [16] □ 97.24 ± 02.08 98.05 ± 02.11 91.00 ± 04.62 87.42 ± 03.35', 'ms_tcn2/desktop_assembly_rgb'),
        ('STL [10] △ 87.16 ± 07.23 85.71 ± 06.43 60.05 ± 00.23 76.41 ± 15.23', 'stl/desktop_assembly_pose2d'),
        ('MS-GCN [4] △ 95.81 ± 03.43 95.03 ± 04.04 86.91 ± 04.97 87.01 ± 04.08', 'ms_gcn/desktop_assembly_pose2d'),
        ('Ours ⋆ 97.90 ± 02.48 97.15 ± 02.22 91.19 ± 03.88 88.85 ± 03.92', 'skelseg/desktop_assembly_joint_limb'),
        ('Ours (Fusion) ⋆,□ 98.02 ± 01.71 97.75 ± 02.39 91.55 ± 03.58 89.40 ± 02.62', 'skelseg/desktop_assembly_fusion'),
    )),
}
# fmt: on
