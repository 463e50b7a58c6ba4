def forward(self, n: int):
    return torch.zeros([n])
