__version__ = "0.1.0"

from .stack import Stack
from .io import read, write
from .restore import restore
from .share import load_model, save_model

__all__ = ['Stack', 'read', 'write', 'restore', 'save_model', 'load_model']
