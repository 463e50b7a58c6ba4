def forward(self, x):
    x.add_(1)
    return x * 1
