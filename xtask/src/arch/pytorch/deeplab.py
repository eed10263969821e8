# The level of each layer: level l has stride 4 x 2^l and 2^l times the filters.
PATH = [@PATH@]
# A node adds two operations, each on a state: 0 and 1 are the outputs of the layers before, 2 is the first node.
CELL = [
@CELL@
]
FILTERS = @FILTERS@
STEM = @STEM@
HEAD = @HEAD@
LOW_LEVEL = @LOW_LEVEL@
DROPOUT = (@DROPOUT@)


class ReluConvBn(nn.Module):
    """ReLU, 1x1 convolution, batch norm."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.op = nn.Sequential(
            nn.ReLU(), nn.Conv_d(inputs, outputs, 1, bias=False), nn.BatchNorm_d(outputs, affine=False)
        )

    def forward(self, x):
        return self.op(x)


def separable(channels, kernel, dilation):
    """ReLU, depthwise convolution, pointwise convolution, batch norm."""
    padding = dilation * (kernel - 1) // 2
    return [
        nn.ReLU(),
        nn.Conv_d(channels, channels, kernel, 1, padding, dilation, groups=channels, bias=False),
        nn.Conv_d(channels, channels, 1, bias=False),
        nn.BatchNorm_d(channels, affine=False),
    ]


class SepConv(nn.Module):
    """Two separable convolutions."""

    def __init__(self, channels, kernel):
        super().__init__()
        self.op = nn.Sequential(*separable(channels, kernel, 1), *separable(channels, kernel, 1))

    def forward(self, x):
        return self.op(x)


class DilConv(nn.Module):
    """One separable convolution with dilation 2."""

    def __init__(self, channels, kernel):
        super().__init__()
        self.op = nn.Sequential(*separable(channels, kernel, 2))

    def forward(self, x):
        return self.op(x)


class Zero(nn.Module):
    """Nothing."""

    def forward(self, x):
        return torch.zeros_like(x)


def operation(name, channels):
    """The operation of that name; pools leave out what lies beyond the border."""
    match name:
        case "none":
            return Zero()
        case "max_pool_3x3":
            return nn.MaxPool_d(3, 1, padding=1)
        case "avg_pool_3x3":
            return nn.AvgPool_d(3, 1, padding=1, count_include_pad=False)
        case "skip_connect":
            return nn.Identity()
        case "sep_conv_3x3" | "sep_conv_5x5":
            return SepConv(channels, int(name[-1]))
        case "dil_conv_3x3" | "dil_conv_5x5":
            return DilConv(channels, int(name[-1]))
    raise ValueError(f"no operation {name}")


def resized(x, size):
    """The map at another size, corners on corners."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)


class Cell(nn.Module):
    """Two inputs at one size and width, nodes of two operations each; the output is the nodes side by side."""

    def __init__(self, level, inputs):
        super().__init__()
        channels = FILTERS * 2**level
        self.level = level
        self.pre_preprocess = ReluConvBn(inputs[0], channels)
        self.preprocess = ReluConvBn(inputs[1], channels)
        choices = [choice for node in CELL for choice in node]
        self.sources = [source for _, source in choices]
        self._ops = nn.ModuleList(operation(name, channels) for name, _ in choices)

    def forward(self, before, last, whole):
        size = [n >> (2 + self.level) for n in whole]
        states = [self.pre_preprocess(resized(before, size)), self.preprocess(resized(last, size))]
        for node in range(len(CELL)):
            a, b = (self._ops[i](states[self.sources[i]]) for i in (2 * node, 2 * node + 1))
            states.append(a + b)
        return torch.cat(states[2:], dim=1)


class BnRelu(nn.Module):
    """Batch norm, ReLU."""

    def __init__(self, channels):
        super().__init__()
        self.op = nn.Sequential(nn.BatchNorm_d(channels), nn.ReLU())

    def forward(self, x):
        return self.op(x)


class Encoder(nn.Module):
    """Stems that quarter the size, then a cell for each step of the path; gives the outputs of the last cell and of number 2."""

    def __init__(self):
        super().__init__()
        self.stem0 = nn.Sequential(nn.Conv_d(@INPUTS@, STEM, 3, 2, padding=1), BnRelu(STEM))
        self.stem1 = nn.Sequential(nn.Conv_d(STEM, STEM, 3, 1, padding=1), BnRelu(STEM))
        self.stem2 = nn.Sequential(nn.Conv_d(STEM, 2 * STEM, 3, 2, padding=1), BnRelu(2 * STEM))
        self.cells = nn.ModuleList()
        inputs = (STEM, 2 * STEM)
        for level in PATH:
            self.cells.append(Cell(level, inputs))
            inputs = (inputs[1], len(CELL) * FILTERS * 2**level)

    def forward(self, x):
        before = self.stem1(self.stem0(x))
        last = self.stem2(before)
        for i, cell in enumerate(self.cells):
            before, last = last, cell(before, last, x.shape[2:])
            if i == 2:
                low = last
        return last, low


class Aspp(nn.Module):
    """A 1x1 convolution, three dilated 3x3 ones and the mean of the map, side by side and joined."""

    def __init__(self, inputs):
        super().__init__()
        self.aspp1 = nn.Conv_d(inputs, HEAD, 1, bias=False)
        self.aspp2, self.aspp3, self.aspp4 = (
            nn.Conv_d(inputs, HEAD, 3, padding=d, dilation=d, bias=False) for d in (6, 12, 18)
        )
        self.aspp5 = nn.Conv_d(inputs, HEAD, 1, bias=False)
        for i in range(1, 6):
            self.add_module(f"aspp{i}_bn", BnRelu(HEAD))
        self.conv2 = nn.Conv_d(5 * HEAD, HEAD, 1, bias=False)
        self.bn2 = BnRelu(HEAD)

    def forward(self, x):
        views = [
            self.aspp1_bn(self.aspp1(x)),
            self.aspp2_bn(self.aspp2(x)),
            self.aspp3_bn(self.aspp3(x)),
            self.aspp4_bn(self.aspp4(x)),
            resized(self.aspp5_bn(self.aspp5(x.mean((2, 3), keepdim=True))), x.shape[2:]),
        ]
        return self.bn2(self.conv2(torch.cat(views, dim=1)))


class Decoder(nn.Module):
    """The joined views beside the output of cell 2, two convolutions, and one to the answers."""

    def __init__(self, low):
        super().__init__()
        self.conv1 = nn.Conv_d(low, LOW_LEVEL, 1, bias=False)
        self.bn1 = BnRelu(LOW_LEVEL)
        self.last_conv = nn.Sequential(
            nn.Conv_d(HEAD + LOW_LEVEL, HEAD, 3, padding=1, bias=False),
            BnRelu(HEAD),
            nn.Dropout(DROPOUT[0]),
            nn.Conv_d(HEAD, HEAD, 3, padding=1, bias=False),
            BnRelu(HEAD),
            nn.Dropout(DROPOUT[1]),
            nn.Conv_d(HEAD, @OUTPUTS@, 1),
        )

    def forward(self, x, low):
        low = self.bn1(self.conv1(low))
        return self.last_conv(torch.cat([resized(x, low.shape[2:]), low], dim=1))


class Network(nn.Module):
    """Zeros around to a multiple of 32, encoder, pyramid, decoder, the input's size again."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        width = [len(CELL) * FILTERS * 2**level for level in PATH]
        self.aspp = Aspp(width[-1])
        self.decoder = Decoder(width[2])

    def forward(self, x):
        h, w = x.shape[2:]
        down, right = (-h % 32, -w % 32)
        top, left = ((down + 1) // 2, (right + 1) // 2)
        x = F.pad(x, (left, right - left, top, down - top))
        last, low = self.encoder(x)
        y = resized(self.decoder(self.aspp(last), low), x.shape[2:])
        return y[:, :, top : top + h, left : left + w]

