"""Labelled data: examples that each have a class, in memory as a whole."""

from .abstract import AbstractLabelledData as AbstractLabelledData
from .digits import Digits as Digits
from .labelled_arrays import LabelledArrays as LabelledArrays
from .mnist import MNIST as MNIST
