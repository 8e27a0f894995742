"""bf16 where this machine computes faster in it than in f32: not every one that knows bf16 does."""

import time

import torch
import torch.nn.functional as F

ROWS, WIDTH = 2048, 256  # about what a layer of the student sees
_bf16 = False


def choose(name: str) -> str:
    """Settles it for this process: `bf16`, `f32`, or for `auto` the faster; returns the one it is."""
    global _bf16
    _bf16 = name == "bf16" or (name == "auto" and _seconds(True) < _seconds(False))
    return "bf16" if _bf16 else "f32"


def autocast() -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=_bf16)


def _seconds(bf16: bool) -> float:
    """The best of some runs through a layer, forward and backward."""
    x = torch.randn(ROWS, WIDTH, requires_grad=True)
    w = torch.randn(4 * WIDTH, WIDTH, requires_grad=True)
    best = float("inf")
    for _ in range(10):
        begin = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            out = F.linear(F.gelu(F.linear(x, w)), w.t())
        out.float().sum().backward()
        best = min(best, time.perf_counter() - begin)
    return best
