"""Streams: where experience comes from."""

from .abstract import AbstractStream as AbstractStream
from .abstract import ScanStream as ScanStream
from .abstract import TDScanStream as TDScanStream
