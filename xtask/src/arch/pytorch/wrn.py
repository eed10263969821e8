
class Block(nn.Module):
    """BN, ReLU, conv, BN, ReLU, conv, + shortcut: x, or where widths differ a 1x1 convolution of the first activation."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.convShortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if inputs != outputs else None

    def forward(self, x):
        active = F.relu(self.bn1(x))
        h = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return h + (self.convShortcut(active) if self.convShortcut is not None else x)


class Group(nn.Module):
    """Blocks of one width; the first has the stride."""

    def __init__(self, inputs, outputs, stride, blocks):
        super().__init__()
        first = Block(inputs, outputs, stride)
        self.layer = nn.Sequential(first, *(Block(outputs, outputs, 1) for _ in range(blocks - 1)))

    def forward(self, x):
        return self.layer(x)


class Network(nn.Module):
    """WRN-@DEPTH@-@WIDEN@: a stem, three groups of @BLOCKS@ blocks, a head."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(@INPUTS@, 16, 3, padding=1, bias=False)
        self.block1 = Group(16, @C1@, 1, @BLOCKS@)
        self.block2 = Group(@C1@, @C2@, @STRIDE@, @BLOCKS@)
        self.block3 = Group(@C2@, @C3@, @STRIDE@, @BLOCKS@)
        self.bn1 = nn.BatchNorm2d(@C3@)
        self.fc = nn.Linear(@C3@, @OUTPUTS@)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        x = F.relu(self.bn1(x))
        return @HEAD@

