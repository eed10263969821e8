# A node adds two operations, each on a state: 0 and 1 are the outputs of the cells before, 2 is the first node.
NORMAL = [
@NORMAL@
]
@REDUCE@
# Batch norms of what makes a cell's inputs equally wide, and those of its operations.
PREPROCESS_NORM = {"momentum": @MOMENTUM@, "eps": @EPS@}
OPERATION_NORM = @OPERATION_NORM@


class ReluConvBn(nn.Module):
    """ReLU, 1x1 convolution, batch norm."""

    def __init__(self, inputs, outputs, norm):
        super().__init__()
        self.op = nn.Sequential(
            nn.ReLU(), nn.Conv_d(inputs, outputs, 1, bias=False), nn.BatchNorm_d(outputs, **norm)
        )

    def forward(self, x):
        return self.op(x)

@FACTORIZED@
def separable(channels, kernel, stride, dilation):
    """ReLU, depthwise convolution, pointwise convolution, batch norm."""
    padding = dilation * (kernel - 1) // 2
    return [
        nn.ReLU(),
        nn.Conv_d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False),
        nn.Conv_d(channels, channels, 1, bias=False),
        nn.BatchNorm_d(channels, **OPERATION_NORM),
    ]


class SepConv(nn.Module):
    """Two separable convolutions, the first with the stride."""

    def __init__(self, channels, kernel, stride):
        super().__init__()
        self.op = nn.Sequential(*separable(channels, kernel, stride, 1), *separable(channels, kernel, 1, 1))

    def forward(self, x):
        return self.op(x)


class DilConv(nn.Module):
    """One separable convolution with dilation 2."""

    def __init__(self, channels, kernel, stride):
        super().__init__()
        self.op = nn.Sequential(*separable(channels, kernel, stride, 2))

    def forward(self, x):
        return self.op(x)


def operation(name, channels, stride):
    """The operation of that name; pools leave out what lies beyond the border."""
    match name:
        case "max_pool_3x3":
            return nn.MaxPool_d(3, stride, padding=1)
        case "avg_pool_3x3":
            return nn.AvgPool_d(3, stride, padding=1, count_include_pad=False)
        case "skip_connect":
            return @SKIP@
        case "sep_conv_3x3" | "sep_conv_5x5":
            return SepConv(channels, int(name[-1]), stride)
        case "dil_conv_3x3" | "dil_conv_5x5":
            return DilConv(channels, int(name[-1]), stride)
    raise ValueError(f"no operation {name}")


class Cell(nn.Module):
    """Two inputs made equally wide, four nodes of two operations each; the output is the nodes side by side."""

    def __init__(self, genotype, inputs, channels, reduces, after_reduction):
        super().__init__()
@PREPROCESS0@
        self.preprocess1 = ReluConvBn(inputs[1], channels, PREPROCESS_NORM)
        self.sources = [source for _, source in genotype]
        self._ops = nn.ModuleList(
            operation(name, channels, 2 if reduces and source < 2 else 1) for name, source in genotype
        )

    def forward(self, before, last):
        states = [self.preprocess0(before), self.preprocess1(last)]
        for node in range(4):
            a, b = (self._ops[i](states[self.sources[i]]) for i in (2 * node, 2 * node + 1))
            states.append(a + b)
        return torch.cat(states[2:], dim=1)


class Network(nn.Module):
    """A stem, @LAYERS@ cells@REDUCING@, a head."""

    def __init__(self):
        super().__init__()
        channels = @CHANNELS@
        self.stem = nn.Sequential(
            nn.Conv_d(@INPUTS@, 3 * channels, 3, padding=1, bias=False), nn.BatchNorm_d(3 * channels)
        )
        self.cells = nn.ModuleList()
        inputs, after_reduction = (3 * channels, 3 * channels), False
        for i in range(@LAYERS@):
            reduces = @REDUCES@
            if reduces:
                channels *= 2
            self.cells.append(Cell(@GENOTYPE@, inputs, channels, reduces, after_reduction))
            inputs, after_reduction = (inputs[1], 4 * channels), reduces
        self.classifier = nn.Linear(inputs[1], @OUTPUTS@)

    def forward(self, x):
        before = last = self.stem(x)
        for cell in self.cells:
            before, last = last, cell(before, last)
        x = last
        return @HEAD@

