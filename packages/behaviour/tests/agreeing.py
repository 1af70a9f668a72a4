"""Coefficients of agreement, as other packages have them."""

import krippendorff
import numpy as np
import pandas as pd
import pingouin


def icc(values):
    """Return ICC(2,1) of numbers (N, R)."""
    rows = [(i, j, v) for i, row in enumerate(values) for j, v in enumerate(row)]
    table = pd.DataFrame(rows, columns=['recording', 'who', 'value'])
    found = pingouin.intraclass_corr(table, 'recording', 'who', 'value')
    return found.set_index('Type')['ICC'].filter(regex=r'ICC2$|ICC\(A,1\)').item()


def alpha(labels):
    """Return Krippendorff's alpha of labels (R, T), -1 where one is missing."""
    values = np.where(labels < 0, np.nan, labels)
    return krippendorff.alpha(values, level_of_measurement='nominal')
