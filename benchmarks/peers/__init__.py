"""Compares mmskelseg with other tools, each in an environment of its own.

A script of a tool, ``train_*.py``, is started in that environment, with the folder of a
prepared data set and the file for its labels. It imports nothing of mmskelseg.
"""
