"""@TITLE@

Input:  @INPUT@, in PyTorch's order.
Output: @OUTPUT@
@READ@
Found by: @RULE@
Counted:  @COUNTS@

    import network

    net = network.load()  # with the weights beside this file, in evaluation mode
    logits = net(x)

Written by `cargo xtask arch export`; it needs torch and nothing else. It is the network of evaluation: what training adds to it
(dropout, dropped paths, an auxiliary head) is not here. Weights: @WEIGHTS@.
"""

import json
import struct
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent

