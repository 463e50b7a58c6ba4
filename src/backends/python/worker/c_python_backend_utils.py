"""The name by which some models reach the same classes."""
from triton_python_backend_utils import *  # noqa: F401,F403
