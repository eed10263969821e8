
class FactorizedReduce(nn.Module):
    """Half the size: ReLU, two 1x1 convolutions of stride 2 side by side, the second from the second place on, batch norm.

    Both give ceil(n / 2) places: an odd size ends in a zero for the second.
    """

    def __init__(self, inputs, outputs, norm):
        super().__init__()
        self.conv_1 = nn.Conv_d(inputs, outputs // 2, 1, 2, bias=False)
        self.conv_2 = nn.Conv_d(inputs, outputs // 2, 1, 2, bias=False)
        self.bn = nn.BatchNorm_d(outputs, **norm)

    def forward(self, x):
        x = F.relu(x)
        shifted = @SHIFTED@
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(shifted)], dim=1))


