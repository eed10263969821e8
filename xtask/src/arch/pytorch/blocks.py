
class BasicBlock(nn.Module):
    """Conv, BN, ReLU, conv, BN, + shortcut, ReLU; the shortcut is x, or a 1x1 convolution and BN where width or size changes."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv_d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm_d(outputs)
        self.conv2 = nn.Conv_d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm_d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv_d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm_d(outputs)
            )

    def forward(self, x):
        h = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(h + (self.downsample(x) if self.downsample is not None else x))


class Block(nn.Module):
    """A head from one width and size to another, then layers that keep both."""

    def __init__(self, inputs, outputs, stride, stacked):
        super().__init__()
        self.head_layer = BasicBlock(inputs, outputs, stride)
        self.stack_layers = nn.Sequential(*(BasicBlock(outputs, outputs, 1) for _ in range(stacked)))

    def forward(self, x):
        return self.stack_layers(self.head_layer(x))


class Network(nn.Module):
    """A stem, a path of blocks, a head."""

    def __init__(self):
        super().__init__()
        self.input_block = nn.Sequential(
            nn.Conv_d(@INPUTS@, @STEM@, 3, padding=1, bias=False), nn.BatchNorm_d(@STEM@), nn.ReLU6()
        )
        self.blocks = nn.Sequential(
@BLOCKS@
        )
        self.classifier = nn.Linear(@WIDTH@, @OUTPUTS@)

    def forward(self, x):
        x = self.blocks(self.input_block(x))
        return @HEAD@

